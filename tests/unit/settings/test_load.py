"""What wins over what in the settings, and what is refused, in words that say where it stands."""

import itertools
import shlex
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from pydantic import ValidationError

from evergreen.errors import SettingsError
from evergreen.orchestrators.kubeflow.planning import overrides_of
from evergreen.settings import Settings, find_project, load_settings
from evergreen.settings.sources import parse, remarks
from evergreen.spans import Format, Period
from tests.fuzzing import fuzz

ROOT = Path(__file__).parents[3]
OVERLAYS = ["local", "dev", "kubeflow", "staging", "production"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own, with the real settings files."""
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / "configs" / f"{name}.yaml").write_text(text)


def edit(project: Path, name: str, old: str, new: str) -> None:
    text = (project / f"configs/{name}.yaml").read_text()
    assert old in text
    write(project, name, text.replace(old, new))


def problems(project: Path, *overlays: str, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        load_settings(project, overlays, overrides)
    return str(refusal.value).splitlines()


def places(settings: Settings) -> list[Path]:
    """Every folder and file that a run writes to."""
    databases = [settings.metadata.sqlite] if settings.metadata.sqlite else []
    return [
        settings.pipeline.root,
        *databases,
        settings.serving.base_path,
        settings.reports.folder,
        settings.logs.folder,
        settings.data.spans,
    ]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_overlay_parses_to_absolute_paths(overlay: str) -> None:
    assert all(path.is_absolute() for path in places(load_settings(ROOT, [overlay])))


def test_no_environment_writes_where_another_does() -> None:
    environments = [places(load_settings(ROOT, [overlay])) for overlay in OVERLAYS]
    for first, other in itertools.combinations(environments, 2):
        assert not set(first) & set(other)


def test_overrides_win_over_overlays_and_those_over_the_base(project: Path) -> None:
    write(project, "monthly", "data: {period: month, format: csv}")
    write(project, "quarterly", "data: {period: quarter}")
    base = load_settings(project, []).data
    monthly = load_settings(project, ["monthly"]).data
    both = load_settings(project, ["monthly", "quarterly"]).data
    forced = load_settings(project, ["monthly"], ["data.period=quarter", "data.period=year"]).data
    assert (base.period, base.format) == (Period.YEAR, Format.PARQUET)
    assert (monthly.period, monthly.format) == (Period.MONTH, Format.CSV)
    assert (both.period, both.format) == (Period.QUARTER, Format.CSV)
    assert (forced.period, forced.format) == (Period.YEAR, Format.CSV)


def test_an_overlay_may_be_a_file_anywhere(project: Path, tmp_path_factory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "mine.yaml"
    elsewhere.write_text("data: {period: month}")
    assert load_settings(project, [str(elsewhere)]).data.period is Period.MONTH


def test_values_of_overrides_are_yaml(project: Path) -> None:
    overrides = [
        "model.hyperparameters.epochs=3",
        "model.hyperparameters.layers=[8, 4]",
        "model.hyperparameters.note='a=b'",
    ]
    model = load_settings(project, [], overrides).model
    assert model.hyperparameters == {"epochs": 3, "layers": [8, 4], "note": "a=b"}


def test_an_unknown_key_is_named_with_its_file_and_the_nearest_known_one(project: Path) -> None:
    write(project, "mine", "data: {perod: month}")
    [line] = problems(project, "mine")
    assert line == "configs/mine.yaml: unknown key data.perod; did you mean data.period?"


def test_an_unknown_key_is_named_with_its_override() -> None:
    [line] = problems(ROOT, overrides=("metadata.sqlit=x",))
    assert line.startswith("--set metadata.sqlit=x: unknown key metadata.sqlit; did you mean")
    [line] = problems(ROOT, overrides=("kubeflow.nodes.Trainer.cpuu=2",))
    assert line.endswith("did you mean kubeflow.nodes.Trainer.cpu?")
    [line] = problems(ROOT, overrides=("colour=red",))
    assert "unknown key colour; known here: use_case, root, pipeline, data, model" in line


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("data: {period: monht}", "data.period = 'monht'"),
        ("data: {splits: {train: 0}}", "data.splits.train = 0"),
        ("pipeline: {name: Taxi Trips}", "pipeline.name = 'Taxi Trips'"),
        ("pipeline: {cache: maybe}", "pipeline.cache = 'maybe'"),
        ("model: {run_fn: train}", "model.run_fn = 'train'"),
        ("data: {key: null}", "data.key = None"),
        ("data:", "data = None"),
    ],
)
def test_a_bad_value_is_named_with_the_file_that_set_it(project: Path, text: str, key: str) -> None:
    write(project, "mine", text)
    [line] = problems(project, "mine")
    assert line.startswith(f"configs/mine.yaml: {key}: ")


def test_all_problems_are_listed_each_with_its_own_source(project: Path) -> None:
    write(project, "one", "data: {period: monht}\nfoo: 3")
    write(project, "two", "pipeline: {cahce: true}")
    lines = problems(project, "one", "two", overrides=("serving.base_path=[]",))
    assert len(lines) == 4
    for start in (
        "configs/one.yaml: data.period = 'monht'",
        "configs/one.yaml: unknown key foo",
        "configs/two.yaml: unknown key pipeline.cahce; did you mean pipeline.cache?",
        "--set serving.base_path=[]: serving.base_path = []",
    ):
        assert sum(line.startswith(start) for line in lines) == 1


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_a_split_that_nodes_read_cannot_be_left_out(project: Path, split: str) -> None:
    size = {"train": "train: 3, ", "eval": "eval: 1, ", "test": ", test: 1"}[split]
    edit(project, "base", size, "")
    [line] = problems(project)
    assert line.startswith("configs/base.yaml: ")
    assert "data.splits" in line
    assert line.endswith(f"lacks {split}.")


def test_a_missing_split_is_not_blamed_on_an_overlay_that_has_no_splits(project: Path) -> None:
    edit(project, "base", ", test: 1", "")
    write(project, "mine", "data: {period: month}")
    [line] = problems(project, "mine")
    assert "configs/mine.yaml" not in line


def test_a_setting_that_nothing_sets_is_named(project: Path) -> None:
    edit(project, "taxi", "  key: trip_id\n", "")
    [line] = problems(project)
    assert line == "configs/taxi.yaml: data.key is missing."


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"data: {period: month\n", "cannot be read as YAML"),
        (b"data:\n\tperiod: month\n", "cannot be read as YAML"),
        (b"data: {key: a}\ndata: {key: b}\n", "duplicate key data"),
        (b"data: {key: \xff}\n", "cannot be read as YAML"),
        (b"data: {key: !!python/name:os.system x}\n", "cannot be read as YAML"),
        (b"data: {key: !!int x}\n", "cannot be read as YAML"),
        (b"42\n", "is one value; sections with keys were expected"),
        (b"- data\n", "is a list; sections with keys were expected"),
    ],
)
def test_what_is_no_settings_file_is_named(project: Path, content: bytes, problem: str) -> None:
    (project / "configs/mine.yaml").write_bytes(content)
    lines = problems(project, "mine")
    assert lines[0].startswith("configs/mine.yaml: ")
    assert problem in "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        "model: {hyperparameters: {note: '${oc.env:SECRET}'}}",
        "model: {hyperparameters: {'${oc.env:SECRET}': 1}}",
        "model: {hyperparameters: {layers: [8, '${oc.decode:${oc.env:SECRET}}']}}",
        "model: {hyperparameters: {note: '${model.name}'}}",
    ],
)
def test_nothing_is_filled_in(project: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    write(project, "mine", text)
    [line] = problems(project, "mine")
    assert line.startswith("configs/mine.yaml: '${")
    assert "nothing is filled in" in line
    assert "hidden" not in line


@pytest.mark.parametrize(
    "value", ["${oc.env:SECRET}", "x-${oc.env:SECRET}", "[1, '${oc.env:SECRET}']"]
)
def test_nothing_is_filled_in_in_overrides_and_parameters_of_jobs(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    given = {"note": value, "nested": {"list": [value]}}
    for pair in (
        f"model.hyperparameters.note={value}",
        *overrides_of(given, ""),
        *overrides_of({}, value),
    ):
        with pytest.raises(SettingsError, match="nothing is filled in") as refused:
            load_settings(ROOT, [], [pair])
        assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("triggers:\n  schedule:\n    cron: */5 * * * *\n", '"*/5 * * * *"'),
        ("triggers: {schedule: {cron: * 3 * * 1, timezone: UTC}}", '"* 3 * * 1"'),
        ("data:\n  key: @id\n", '"@id"'),
        ("data:\n  key: '@id'\n  timestamp: %t\n", '"%t"'),
    ],
)
def test_a_value_that_has_to_be_in_quotes_is_named(project: Path, text: str, quoted: str) -> None:
    write(project, "mine", text)
    with pytest.raises(SettingsError, match="cannot be read as YAML") as refused:
        load_settings(project, ["mine"])
    line = next(n for n, line in enumerate(text.split("\n"), 1) if quoted[1:-1] in line)
    assert refused.value.hint.startswith(
        f"Line {line}: put a value that begins with {quoted[1]} into"
    )
    assert refused.value.hint.endswith(quoted)


def test_an_override_that_has_to_be_in_quotes_is_shown_in_them() -> None:
    with pytest.raises(SettingsError, match="not YAML") as refused:
        load_settings(ROOT, [], ["triggers.schedule.cron=*/5 * * * *"])
    [shown] = shlex.split(refused.value.hint.split("--set ")[1])
    loaded = load_settings(ROOT, [], [shown])
    assert loaded.triggers.schedule
    assert loaded.triggers.schedule.cron == "*/5 * * * *"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("010", "the number 8"),
        ("1:30", "the number 90"),
        ("1_000", "the number 1000"),
        ("0x1F", "the number 31"),
        ("yes", "true"),
        ("off", "false"),
        ("", "null, no value"),
        ("~", "null, no value"),
        ("a # b", "the text 'a'"),
        ("$HOME/a", "the text '$HOME/a', in which no variable is filled in"),
        *[(value, "") for value in ("3", "-3", "0.5", ".5", "1e-3", "true", "null", "a", "'010'")],
        *[(value, "") for value in ("[1, 010]", "{a: yes}", "0", "08", "2026-01-01", "a=b")],
    ],
)
def test_what_yaml_may_take_for_something_else_is_said(value: str, said: str) -> None:
    pair = f"model.hyperparameters.x={value}"
    told = list(remarks([pair]))
    assert [text.split(": understood as ")[1].split("; as it stands: ")[0] for text in told] == (
        [said] if said else []
    )
    for text in told:
        [quoted] = shlex.split(text.split("; as it stands: --set ")[1])
        assert load_settings(ROOT, [], [quoted]).model.hyperparameters == {"x": value}


def test_a_project_of_version_0_1_0_is_told_what_moves(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/base.yaml").write_text("use_case: taxi\npipeline: {name: taxi}\n")
    (tmp_path / "configs/taxi.yaml").write_text("use_case: taxi\n")
    with pytest.raises(SettingsError, match="gates") as refused:
        load_settings(tmp_path, [])
    assert "Coming from version 0.1.0" in refused.value.hint
    assert "## Coming from version 0.1.0" in (ROOT / "docs/settings.md").read_text()


def test_a_value_in_place_of_a_list_is_told_so(project: Path) -> None:
    write(project, "mine", "data: {missing: NA}")
    [missing] = problems(project, "mine")
    assert missing.endswith("data.missing = 'NA': Input should be a list, such as [a, b].")


def test_a_text_that_yaml_takes_for_another_type_is_told_so(project: Path) -> None:
    write(project, "mine", "data: {key: on, timestamp: 010}")
    key, timestamp = problems(project, "mine")
    assert key.endswith("YAML reads it as true; put a text into quotes.")
    assert timestamp.endswith("YAML reads it as 8; put a text into quotes.")


@pytest.mark.parametrize(
    "url", ["s3://bucket/a", "gs://bucket", "file:///tmp/a", "hdfs:/a", "S3://b"]
)
@pytest.mark.parametrize("key", ["data.spans", "pipeline.root", "serving.base_path", "logs.folder"])
def test_a_url_is_no_folder(key: str, url: str) -> None:
    [line] = problems(ROOT, overrides=(f"{key}={url}",))
    assert line.startswith(f"--set {key}={url}: {key} = {url!r}: is a URL; a path on this machine")


@pytest.mark.parametrize("key", ["data.spans", "pipeline.root", "serving.base_path"])
def test_what_tensorflow_takes_for_a_pattern_is_no_folder(key: str) -> None:
    [line] = problems(ROOT, overrides=(f"{key}=var/[v2]",))
    assert line.startswith(f"--set {key}=var/[v2]: {key} = 'var/[v2]': is {ROOT}/var/[v2], and")
    assert line.endswith("TensorFlow takes [] for a pattern; rename the folder.")


def test_a_variable_is_no_folder() -> None:
    [line] = problems(ROOT, overrides=("data.spans=$HOME/spans",))
    assert "variables are not filled in; write the path out" in line


def test_a_list_in_place_of_a_section_is_named_with_its_file(project: Path) -> None:
    write(project, "mine", "data: [period, month]")
    assert "configs/mine.yaml" in problems(project, "mine")[0]


def test_an_empty_overlay_changes_nothing(project: Path) -> None:
    write(project, "mine", "# nothing yet\n")
    assert load_settings(project, ["mine"]) == load_settings(project, [])


def test_an_empty_mapping_empties_what_was_set_before(project: Path) -> None:
    features = "monitoring.drift.features"
    overlay = project / "configs/own.yaml"
    overlay.write_text("monitoring: {drift: {features: {}}}\nkubeflow: {}\n")
    assert load_settings(project).monitoring.drift.features
    assert load_settings(project, ["own"]).monitoring.drift.features == {}
    assert load_settings(project, overrides=[f"{features}={{}}"]).monitoring.drift.features == {}
    later = load_settings(project, ["own"], [f"{features}={{fare: 1}}"])
    assert later.monitoring.drift.features == {"fare": 1}
    assert later.monitoring.skew == load_settings(project).monitoring.skew


def test_a_tag_removes_or_replaces_what_is_below(project: Path) -> None:
    write(
        project,
        "own",
        "monitoring:\n"
        "  drift:\n"
        "    features: !replace {fare: 0.1}\n"
        "  skew:\n"
        "    features: {fare: !remove }\n"
        "  performance: {slices: !remove }\n"
        "serving: {base_path: !remove , model_server: null}\n",
    )
    before = load_settings(project).monitoring
    with pytest.raises(SettingsError, match=r"serving\.base_path is missing"):
        load_settings(project, ["own"])
    after = load_settings(project, ["own"], ["serving.base_path=var/x"]).monitoring
    assert after.drift.features == {"fare": 0.1}
    assert before.skew.features.items() - after.skew.features.items() == {("fare", 0.02)}
    assert (bool(before.performance.slices), after.performance.slices) == (True, ())


def test_what_is_not_there_is_not_removed(project: Path) -> None:
    write(project, "own", "data: {perod: !remove }")
    [line] = problems(project, "own")
    assert line == "configs/own.yaml: data.perod is removed, and is not there."
    write(project, "own", "data: {perod: !delete }")
    assert "cannot be read as YAML" in problems(project, "own")[0]


def test_a_missing_overlay_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        SettingsError,
        match=r"no settings file .*configs/prodution\.yaml; did you mean 'production'",
    ) as error:
        load_settings(ROOT, ["prodution"])
    assert all(overlay in error.value.hint for overlay in OVERLAYS)


@pytest.mark.parametrize("pair", ["", "data.key", "=3", " =3", ".key=3", "data.=3"])
def test_an_override_without_key_or_value_is_refused(pair: str) -> None:
    with pytest.raises(SettingsError, match=r"is not of the form section\.key=value") as error:
        load_settings(ROOT, [], [pair])
    assert str(error.value).startswith(f"--set {pair}:")
    assert "For example: --set " in error.value.hint


@fuzz(150)
@given(
    st.sampled_from(["", "data", "data.splits", "pipeline.definition", "model.hyperparameters"]),
    st.sampled_from(["", ".", ".x", ".train", ".0", "[0]"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["[1]", "{a: 1}", "null", "${x}", "???", "[", "*x", "!!int x", "1e999"]),
)
@example("data", "", "[1]")
@example("data.key", "", "!!int x")
@example("data.key", "", "!!int")
@example("model.hyperparameters", ".x", "0\x850")
def test_any_override_is_either_taken_or_refused_in_words(key: str, rest: str, value: str) -> None:
    pair = f"{key}{rest}={value}"
    try:
        load_settings(ROOT, [], [pair])
        for told in remarks([pair]):
            [quoted] = shlex.split(told.split("; as it stands: --set ")[1])
            [(_, values)] = [parse(quoted)]
            config = OmegaConf.create(values)
            assert OmegaConf.select(config, f"{key}{rest}") == value.strip()
    except SettingsError as refusal:
        assert str(refusal)  # noqa: PT017 - most overrides are refused, not all


def test_settings_are_frozen() -> None:
    loaded = load_settings(ROOT)
    with pytest.raises(ValidationError, match="frozen"):
        loaded.data.key = "other"
    with pytest.raises(ValidationError, match="frozen"):
        loaded.data = loaded.data


def test_relative_paths_start_at_the_project_wherever_one_stands(
    project: Path, tmp_path_factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("HOME", "/home/somebody")
    overrides = ["metadata.sqlite=sub/../m.sqlite", "logs.folder=/var/log/x", "data.spans=~/spans"]
    loaded = load_settings(project, [], overrides)
    assert loaded.metadata.sqlite == project / "m.sqlite"
    assert loaded.pipeline.use_case == [project / "models/taxi"]
    assert loaded.logs.folder == Path("/var/log/x")
    assert loaded.data.span_root == Path("/home/somebody/spans/year")


def test_a_project_is_found_from_below(project: Path) -> None:
    below = project / "models" / "taxi"
    below.mkdir(parents=True)
    assert find_project(project) == find_project(below) == project


def test_outside_of_any_project_one_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no project here: .* has configs/base\.yaml") as error:
        find_project(tmp_path)
    assert "--project" in error.value.hint


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (("registry.promotion.by=[ann]",), "does not name 'gateway'"),
        (("registry.promotion.hold_seconds=3600",), "hold each for 900 s"),
        (
            ("registry.promotion.hold_seconds=1", "registry.later=candidate"),
            "no version could ever be promoted",
        ),
    ],
)
def test_a_policy_that_nobody_could_fulfil_is_refused(
    project: Path, pairs: tuple[str, ...], said: str
) -> None:
    assert said in "".join(problems(project, overrides=pairs))


def test_a_policy_goes_with_a_gateway_that_fulfils_it(project: Path) -> None:
    by_hand = ("registry.promotion.by=[ann]", "gateway.canary.promote=false")
    held = ("registry.promotion.hold_seconds=3600", "gateway.canary.hold_seconds=900")
    for pairs in (by_hand, held, ("registry.promotion.by=[gateway]",)):
        assert load_settings(project, overrides=pairs)


@pytest.mark.parametrize("value", ["1e300", ".inf", "3.2e9", "-.inf", ".nan"])
@pytest.mark.parametrize(
    "key",
    [
        "monitoring.labels.lookback_days",
        "monitoring.window_hours",
        "triggers.cooldown_seconds",
        "gateway.canary.hold_seconds",
        "dashboard.poll_seconds",
    ],
)
def test_a_time_that_leads_out_of_the_calendar_is_refused(
    project: Path, key: str, value: str
) -> None:
    assert key.rpartition(".")[2] in "".join(problems(project, overrides=(f"{key}={value}",)))
