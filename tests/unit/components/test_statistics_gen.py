"""Statistics without Beam are those that TFX's own node computes on Beam."""

import random
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.statistics_gen import executor as stock
from tfx.types import standard_artifacts

from evergreen.components import statistics_gen
from tests.unit.components.rows import Row, write_split

OPTIONS = ["--runner=FnApiRunner"]
ROUNDED = ("mean", "std_dev")
"""What depends, in its last digit, on the order in which numbers are added."""


def rows(count: int) -> list[Row]:
    draw = random.Random(count)
    text = [b"Blue", b"Taxi", "café".encode(), b"\xff\x00", b""]
    found = []
    for _ in range(count):
        key = f"{draw.getrandbits(128):032x}".encode()
        row: Row = {"key": [key], "company": [draw.choice(text)], "hour": [draw.randrange(24)]}
        if draw.random() < 0.9:
            row["fare"] = [draw.uniform(0, 99)]
        found.append(row)
    return found


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> standard_artifacts.Examples:
    folder = tmp_path_factory.mktemp("examples")
    for split, count in {"train": 1500, "test": 40}.items():
        write_split(folder, split, rows(count))
    artifact = standard_artifacts.Examples()
    artifact.uri, artifact.split_names, artifact.span = str(folder), '["train", "test"]', 7
    return artifact


def run(
    executor: type[stock.Executor],
    examples: standard_artifacts.Examples,
    folder: Path,
    options: list[str] = OPTIONS,
    **properties: str,
) -> standard_artifacts.ExampleStatistics:
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri = str(folder)
    context = executor.Context(beam_pipeline_args=list(options), tmp_dir=str(folder / "tmp"))
    asked = {"exclude_splits": "[]", "sample_rate_by_split": "null", **properties}
    executor(context).Do({"examples": [examples]}, {"statistics": [statistics]}, asked)
    return statistics


def read(statistics: standard_artifacts.ExampleStatistics, split: str) -> tuple[str, list[float]]:
    """The statistics as text, without the rounded figures; and those."""
    content = Path(statistics.uri, f"Split-{split}", "FeatureStats.pb").read_bytes()
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
    figures = []
    for feature in found.datasets[0].features:
        if feature.HasField("num_stats"):
            for name in ROUNDED:
                figures.append(getattr(feature.num_stats, name))
                feature.num_stats.ClearField(name)
    return text_format.MessageToString(found), figures


def test_they_are_those_of_beam(
    examples: standard_artifacts.Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = statistics_gen.OPTIONS
    on_beam = run(stock.Executor, examples, tmp_path / "beam", **options)
    monkeypatch.setattr(statistics_gen, "ROWS_A_BATCH", 400)  # several batches
    ours = run(statistics_gen.Executor, examples, tmp_path / "ours")
    for split in ("train", "test"):
        text, figures = read(ours, split)
        expected, expected_figures = read(on_beam, split)
        assert text == expected
        assert figures == pytest.approx(expected_figures, rel=1e-9)
    same = [made.mlmd_artifact for made in (ours, on_beam)]
    for artifact in same:
        artifact.uri = ""
    assert same[0] == same[1]


def test_what_is_asked_besides_goes_to_beam(
    examples: standard_artifacts.Examples, tmp_path: Path
) -> None:
    run(statistics_gen.Executor, examples, tmp_path, exclude_splits='["train"]')
    assert {path.name for path in tmp_path.glob("Split-*")} == {"Split-test"}


def test_beam_keeps_as_many_quantiles(
    examples: standard_artifacts.Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run(statistics_gen.Executor, examples, tmp_path / "here")
    monkeypatch.setattr(statistics_gen, "on_this_machine", lambda _: False)
    elsewhere = run(statistics_gen.Executor, examples, tmp_path / "elsewhere")
    assert read(here, "train")[0] == read(elsewhere, "train")[0]


def test_more_values_than_are_kept_are_estimated(
    examples: standard_artifacts.Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics_gen, "ROWS_A_BATCH", 400)
    exact = strings(run(statistics_gen.Executor, examples, tmp_path / "exact"))
    monkeypatch.setattr(statistics_gen, "DISTINCT_VALUES", 500)
    kept = strings(run(statistics_gen.Executor, examples, tmp_path / "kept"))
    assert kept["key"].unique == pytest.approx(1500, rel=0.2)
    assert exact["key"].unique == 1500
    assert kept["company"] == exact["company"]
    assert kept["key"].common_stats == exact["key"].common_stats


def strings(
    statistics: standard_artifacts.ExampleStatistics,
) -> dict[str, statistics_pb2.StringStatistics]:
    content = Path(statistics.uri, "Split-train", "FeatureStats.pb").read_bytes()
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(content)
    features = found.datasets[0].features
    return {
        feature.path.step[0]: feature.string_stats
        for feature in features
        if feature.HasField("string_stats")
    }
