"""The replayed data are the project's, with labels that are right or wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import DataError, EvergreenError
from evergreen.replay import stream
from evergreen.settings import load_settings
from evergreen.spans import Interval, Period, publish_version
from tests.project import ROOT

TIMES = Interval(start="2013-01-01T00:00:00Z", end="2013-04-01T00:00:00Z")
Cut = Callable[..., list[stream.Piece]]


@pytest.fixture
def cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cut:
    def cut(
        labels: list[float] | list[str],
        fmt: str = "csv",
        period: Interval | None = TIMES,
        *more: str,
        name: str = "y",
        label: stream.Label | None = None,
    ) -> list:
        def source(_: None, root: Path, __: Period, format_: str) -> None:
            for number in range(1, 4):
                rows = {"trip_id": [f"{number}{at}" for at in range(len(labels))], name: labels}
                publish_version(root, number, pa.table(rows), format_, period=period)

        functions = {
            "data.source": source,
            "replay.label": label or (lambda rows: rows.column(name)),
        }
        monkeypatch.setattr(stream, "load_function", lambda setting, _: functions[setting])
        settings = load_settings(ROOT, overrides=[f"data.format={fmt}", "replay.first=2", *more])
        return stream.cut(settings, tmp_path, Period.QUARTER, 0)

    return cut


def test_a_project_whose_spans_are_csv_is_played_too(cut: Cut) -> None:
    first = cut([1.0, float("nan"), 0.0, -1.0])[0]
    assert first.labels.tolist() == [1.0, 0.0]
    assert first.ids == ["10", "12"]
    assert first.rows.schema.field("y").type == pa.float64()


def test_a_label_sees_the_types_of_the_schema(cut: Cut) -> None:
    rows = []

    def label(typed: pa.Table) -> pa.ChunkedArray:
        rows.append(typed)
        return typed.column("fare")

    first = cut(["1", "NA"], "csv", TIMES, "data.missing=[NA]", name="fare", label=label)[0]
    assert rows[0].schema.field("fare").type == pa.float32()
    assert first.labels.tolist() == [1.0]


def test_labels_that_are_none_and_spans_without_times_are_named(cut: Cut) -> None:
    with pytest.raises(EvergreenError, match=r"by replay\.label: labels .*; row 2 has 0\.5\."):
        cut([0.0, 0.5])


def test_spans_that_cannot_be_played_are_named(cut: Cut) -> None:
    with pytest.raises(DataError, match="span-00001/version-01: has no row with a label"):
        cut([np.nan])


def test_spans_without_times_are_named(cut: Cut) -> None:
    with pytest.raises(DataError, match="has no time, so that it cannot be played"):
        cut([1.0], period=None)


def test_as_many_spans_as_asked_for_leave_nothing_to_play(cut: Cut) -> None:
    with pytest.raises(DataError, match="3 spans: the first model alone takes 3"):
        cut([1.0], "csv", TIMES, "replay.first=3")


@pytest.mark.parametrize(("spans", "first"), [(1, 1), (2, 1), (4, 2), (9, 4), (16, 4)])
def test_half_of_the_spans_and_at_most_four_are_for_the_first_model(spans: int, first: int) -> None:
    settings = load_settings(ROOT, overrides=["replay.first=null"])
    assert settings.replay.first_of(spans) == first


def test_a_sample_of_each_span_is_sent(cut: Cut) -> None:
    labels = [0.0, 1.0] * 50
    pieces = cut(labels, "csv", TIMES, "replay.rows=20")
    for piece in pieces:
        assert len(piece.ids) == len(piece.labels) == piece.rows.num_rows == 20
        assert piece.ids == [f"{piece.number}{at}" for at in map(int, _places(piece))]
        assert piece.labels.tolist() == [labels[at] for at in map(int, _places(piece))]
    assert _places(pieces[0]) != _places(pieces[1])


def _places(piece: stream.Piece) -> list[str]:
    ids = piece.rows.column("trip_id").to_pylist()
    return [name.removeprefix(str(piece.number)) for name in ids]
