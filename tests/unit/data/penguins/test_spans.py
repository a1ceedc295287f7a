"""The penguins of the package, by year."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data.penguins import KEY_COLUMN, SCHEMA_PATH
from data.penguins.spans import cut, read_penguins
from evergreen.quality.schema import column_kinds, load_curated
from evergreen.spans import Period, Span
from models.penguins.features import PENGUINS, SPECIES


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> list[Span]:
    return cut(None, tmp_path_factory.mktemp("spans"), Period.YEAR)


def test_each_year_is_a_span(spans):
    assert [(span.number, span.manifest.rows) for span in spans] == [(1, 110), (2, 114), (3, 120)]


def test_what_was_not_measured_is_missing():
    penguins = read_penguins()
    missing = {name: penguins[name].null_count for name in penguins.column_names}
    assert missing == dict.fromkeys(missing, 0) | {"sex": 11} | dict.fromkeys(
        ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"), 2
    )


def test_the_schema_describes_the_columns_and_the_classes(spans):
    schema = load_curated(SCHEMA_PATH)
    assert set(column_kinds(schema)) == set(pq.read_schema(spans[0].files[0]).names)
    domains = {domain.name: tuple(domain.value) for domain in schema.string_domain}
    assert domains[PENGUINS.label.name] == SPECIES


def test_a_file_of_ones_own_gives_the_same_spans(spans, tmp_path: Path):
    file = tmp_path / "penguins.parquet"
    pq.write_table(read_penguins(), file)
    again = cut(file, tmp_path / "spans", Period.YEAR)
    assert [keys(span) for span in again] == [keys(span) for span in spans]


def keys(span: Span) -> list[str]:
    return pq.read_table(span.files[0])[KEY_COLUMN].to_pylist()
