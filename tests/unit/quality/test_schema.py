"""A schema is read in one place; what is wrong in it is said with its line."""

import random
from pathlib import Path

import pytest

from evergreen.errors import SettingsError
from evergreen.quality.schema import column_kinds, load_curated, load_schema
from tests.fuzzing import cases

TAXI = Path(__file__).parents[3] / "data" / "taxi" / "schema.pbtxt"
GOOD = 'feature {\n  name: "hour"\n  type: INT\n}\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "schema.pbtxt"


def refusal(file: Path, text: str) -> str:
    file.write_text(GOOD + text)
    with pytest.raises(SettingsError) as raised:
        load_curated(file)
    assert str(file) in raised.value.hint
    return str(raised.value)


def test_the_curated_schema_of_the_project_is_taken() -> None:
    kinds = column_kinds(load_curated(TAXI))
    assert kinds["fare"] == "FLOAT"
    assert len(kinds) == 19


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("feature {\n  nam: 'x'\n}\n", 6, 'no field named "nam"'),
        ("feature {\n  name: 'x'\n  type: INTEGER\n}\n", 7, "INTEGER"),
        ("feature {\n  name: 'x'\n", 7, ""),
        ("feature {\n  name: x\n}\n", 6, ""),
        ("}\n", 5, ""),
    ],
)
def test_a_typing_error_is_told_with_its_line(file: Path, text: str, line: int, said: str) -> None:
    told = refusal(file, text)
    assert told.startswith("schema.pbtxt, line ")
    assert abs(int(told.split("line ")[1].split(":")[0]) - line) <= 1
    assert said in told


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("type: STRUCT", "the type STRUCT is not supported: say FLOAT, INT or BYTES"),
        ("", "the type TYPE_UNKNOWN is not supported"),
        ("type: INT value_count { min: 0 max: 3 }", "value_count up to 3: a row has one value"),
        ("type: INT shape { dim { size: 2 } }", "value_counts and shape are not supported"),
        ('type: BYTES domain: "gone"', "no string_domain 'gone'"),
        ("type: INT presence { min_fraction: 1.5 }", "min_fraction is 1.5, and at most 1"),
        ("type: INT int_domain { min: 5 max: 1 }", "int_domain: min 5 is above max 1"),
        (
            "type: FLOAT drift_comparator { infinity_norm { threshold: 0.1 } }",
            "drift_comparator: infinity_norm is of text",
        ),
        (
            "type: INT skew_comparator { infinity_norm { threshold: 0.1 } }",
            "skew_comparator: infinity_norm is of text",
        ),
        (
            "type: INT drift_comparator { normalized_abs_difference { threshold: 0.1 } }",
            "drift_comparator: normalized_abs_difference is of text",
        ),
        (
            "type: BYTES drift_comparator { infinity_norm { threshold: 1.5 } }",
            "infinity_norm is at most 1 and never beyond 1.5",
        ),
        (
            "type: FLOAT drift_comparator { jensen_shannon_divergence { threshold: 1 } }",
            "jensen_shannon_divergence is at most 1 and never beyond 1",
        ),
    ],
)
def test_what_would_be_passed_over_in_silence_is_refused(file: Path, body: str, said: str) -> None:
    told = refusal(file, f'feature {{\n  name: "fare"\n  {body}\n}}\n')
    assert told.startswith("schema.pbtxt, line 6: feature fare: ")
    assert said in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD, "line 6: feature hour: stands in it twice"),
        ("feature { type: INT }", "a feature has no name"),
        ('sparse_feature { name: "s" }', "sparse_feature is not supported"),
    ],
)
def test_what_is_wrong_with_the_whole_is_told(file: Path, text: str, said: str) -> None:
    assert said in refusal(file, text)


@pytest.mark.fuzz
def test_typing_errors_are_told_or_do_not_matter(file: Path) -> None:
    draw, text, told = random.Random(7), TAXI.read_text(), 0
    marks = [
        "",
        "}",
        "{",
        '"',
        "'",
        ":",
        "x",
        "-1",
        "type: INT",
        "\0",
        "\x7f",
        "é",
        "\n",
        "#",
        "[",
        "<",
    ]
    for _ in range(cases(300)):
        at = draw.randrange(len(text))
        file.write_text(text[:at] + draw.choice(marks) + text[at + draw.randrange(4) :])
        try:
            assert load_curated(file).feature
        except SettingsError as error:
            told += "schema.pbtxt, line " in str(error)
    assert told > cases(300) / 10


def test_files_that_are_none_are_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"schema.pbtxt: .*cannot be read"):
        load_schema(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_schema(file)
    file.write_text("# nothing\n")
    with pytest.raises(SettingsError, match="there is no feature in it"):
        load_curated(file)
