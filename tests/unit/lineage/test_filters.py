"""No text from outside gets out of its literal, and no filter is made anywhere else."""

import ast
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ml_metadata.errors import StatusError
from ml_metadata.metadata_store import ListOptions, MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import ChoiceError, EvergreenError
from evergreen.lineage.filters import COLUMNS, Filter, UnfitError
from evergreen.lineage.reader import Asked, Lineage, outcome_of
from evergreen.lineage.records import TYPE, RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.retries import StoreError
from evergreen.lineage.stages import Stage, stages
from evergreen.lineage.store import AlreadyExistsError, context_type, set_properties
from evergreen.monitoring.results import results
from evergreen.runs.plan import ModelRef, Outcome, Request
from tests.fuzzing import fuzz
from tests.project import ROOT
from tests.unit.commands.asking import ask
from tests.unit.lineage.making import make_record, make_store

PROMOTE = (
    "x'\"))); UPDATE ContextProperty SET"
    " string_value=replace(string_value,'rejected','serving') WHERE name='event';--"
)
PLANT = (
    "x'\"))); COMMIT; ATTACH DATABASE 'planted' AS a; CREATE TABLE a.t(x);"
    " INSERT INTO a.t VALUES('anything'); BEGIN;--"
)
PIECES = [
    *"'\"`\\;()-%_?\0\n ", "''", '"")', "'\")))", "\\'", '\\"', "--", "/*", "*/", "x", "name", "ID",
    "DROP TABLE Context;", "DELETE FROM ContextProperty;", "UPDATE Context SET name='x';",
    "ATTACH DATABASE 'planted' AS a;",
    "CREATE TABLE a.t(x);", "COMMIT;", "BEGIN;", "OR 1=1", "東京",
    "\ud800", "\u2019", "\uff07", "\u202e", "string_value",
]  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with runs, and a version that was rejected; the working folder is its own."""
    monkeypatch.chdir(tmp_path)
    store = make_store(tmp_path / "metadata.sqlite")
    registry = Registry(store, "taxi")
    registry.register(ModelRef(version=1, artifact_id=1), "alice", "first", {})
    registry.register(ModelRef(version=2, artifact_id=2), "alice", "second", {}, Stage.CANARY)
    registry.conclude(2, Stage.REJECTED, "gateway", "worse in error rate", {})
    for run_id in ("one", "two"):
        RunRecords(store).create(make_record(run_id, outcome=Outcome.PUSHED))
    return tmp_path / "metadata.sqlite"


def contents(file: Path) -> tuple[list[str], list[str]]:
    """All that is in all tables, read from a copy so that the store's locks stay; all files."""
    files = sorted(str(path) for path in file.parent.rglob("*"))
    with tempfile.TemporaryDirectory() as folder:
        for path in file.parent.glob(f"{file.name}*"):
            shutil.copy(path, folder)
        with closing(sqlite3.connect(Path(folder, file.name))) as database:
            return list(database.iterdump()), files


def literal(text: str) -> str:
    """A text as anybody would put it into a filter by hand."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def questions(store: MetadataStore, text: str) -> list[Callable[[], Any]]:
    """Everything that a store can be asked with a text, by our own ways and past them."""
    lineage, records = Lineage(store, "taxi"), RunRecords(store)
    by_hand = [f"name = {literal(text)}", f"name LIKE {literal(text)}", f'name = "{text}"', text]
    start = mlmd.LineageSubgraphQueryOptions(max_num_hops=1)
    start.starting_executions.filter_query = by_hand[0].encode(errors="replace").decode()
    return [
        lambda: lineage.runs(Asked(by=text)),
        lambda: lineage.runs(Asked(outcome=outcome_of(text))),
        lambda: lineage.run(text),
        lambda: records.latest(job=text),
        lambda: Lineage(store, text).versions(),
        lambda: list(results(store, text)),
        lambda: store.get_contexts(Filter("type = ? AND name LIKE ?", TYPE, text).options()),
        lambda: store.get_context_by_type_and_name(TYPE, text),
        lambda: store.get_lineage_subgraph(start),
        *(lambda q=q: store.get_contexts(ListOptions(filter_query=q)) for q in by_hand),
        *(lambda q=q: store.get_artifacts(ListOptions(filter_query=q)) for q in by_hand),
    ]  # fmt: skip


@fuzz(300)
@given(text=hostile)
@example(text=PROMOTE)
@example(text=PLANT)
def test_no_text_changes_the_store(file: Path, text: str) -> None:
    store = make_store(file)
    before = contents(file)
    for question in questions(store, text):
        try:
            question()
        except StoreError:
            raise
        except (EvergreenError, UnicodeError, StatusError):
            pass
    assert contents(file) == before


@pytest.mark.parametrize("text", [PROMOTE, PLANT])
def test_a_filter_with_sql_in_it_is_not_sent(file: Path, text: str) -> None:
    store = make_store(file)
    for query in (f"name = {literal(text)}", f"name LIKE {literal(text)}"):
        with pytest.raises(UnfitError, match="cannot be looked for"):
            store.get_contexts(ListOptions(filter_query=query))
    known = stages(Registry(store, "taxi").events())
    assert known == {1: Stage.SERVING, 2: Stage.REJECTED}


names = st.text(st.sampled_from("aZ_%?-;:. é東()=<>!/*{}$@|&"), min_size=1, max_size=6)


@fuzz(150)
@given(wanted=names, other=names)
def test_a_text_that_is_taken_is_found_to_the_letter(file: Path, wanted: str, other: str) -> None:
    store = make_store(file)
    made = context_type(store, "made")
    for text in {wanted, other}:
        context = mlmd.Context(type_id=made, name=text)
        set_properties(context, {"text": text})
        with suppress(AlreadyExistsError):
            store.put_contexts([context])
    for condition in (Filter("name = ?", wanted), Filter.has("text", wanted)):
        found = store.get_contexts((Filter("type = 'made'") & condition).options())
        assert [context.name for context in found] == [wanted]


@pytest.mark.parametrize(
    "text", ["it's", '"', "a\\b", "`", "a\nb", "\0", "\ud800", "\x9b", "name", "URI", "x" * 1001]
)
def test_what_ml_metadata_gets_wrong_is_refused(text: str) -> None:
    with pytest.raises(UnfitError, match="cannot be looked for in the metadata store"):
        Filter("name = ?", text)


def test_the_columns_are_those_of_the_store(file: Path) -> None:
    with closing(sqlite3.connect(file.with_name("other"))) as other:
        other.executescript("\n".join(contents(file)[0]))
        tables = [
            name for (name,) in other.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        found = {row[1] for table in tables for row in other.execute(f"PRAGMA table_info({table})")}
    assert found == set(COLUMNS.split("|"))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_a_number_that_no_column_holds_is_refused(number: int) -> None:
    with pytest.raises(UnfitError, match="too large a number"):
        Filter("id = ?", number)


def test_a_run_is_not_found_by_a_name_with_a_zero_byte(file: Path) -> None:
    with pytest.raises(EvergreenError, match="there is no run"):
        Lineage(make_store(file), "taxi").run("one\0two")


def test_an_outcome_that_there_is_not_is_named(tmp_path: Path) -> None:
    assert outcome_of("data refused") is Outcome.DATA_REFUSED
    assert (outcome_of(""), outcome_of("none")) == (None, "none")
    with pytest.raises(ChoiceError, match="no outcome 'pushd'; did you mean 'pushed'"):
        outcome_of("pushd")
    with pytest.raises(ChoiceError, match="there is no outcome"):
        ask(tmp_path, "runs", "--outcome", PROMOTE)
    assert not (tmp_path / "metadata.sqlite").exists()


def test_somebody_with_any_name_is_found(file: Path) -> None:
    store = make_store(file)
    for number, who in enumerate((PROMOTE, "name", "o'brien")):
        asked = Request(requested_by=who, reason="a test")
        RunRecords(store).create(make_record(str(number), request=asked))
        assert [record.run_id for record in Lineage(store, "taxi").runs(Asked(by=who))] == [
            str(number)
        ]


def test_nobody_else_makes_filters() -> None:
    """Not by hand, and not of a template that is no constant."""
    package = ROOT / "evergreen"
    for file in sorted(package.rglob("*.py")):
        if file == package / "lineage/filters.py":
            continue
        text = file.read_text()
        assert not re.search(r"filter_query|ListOptions\(", text), file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                called = ast.unparse(node.func)
                if called == "Filter" or (called == "Filter.has" and file.name != "records.py"):
                    assert isinstance(node.args[0], ast.Constant), f"{file}:{node.lineno}"


@pytest.mark.parametrize("text", ["Zoë 東京 😀", "a%b_c", "a;b--c", "x/*y*/ #", "{}?$1 %s :x"])
def test_a_text_is_found_to_the_letter_wherever_the_store_is(
    store: MetadataStore, text: str
) -> None:
    made = context_type(store, "made")
    for name in (text, f"{text}x", text.swapcase()):
        context = mlmd.Context(type_id=made, name=name)
        set_properties(context, {"text": name})
        with suppress(AlreadyExistsError):
            store.put_contexts([context])
    for condition in (Filter("name = ?", text), Filter.has("text", text)):
        found = store.get_contexts((Filter("type = 'made'") & condition).options())
        assert [context.name for context in found] == [text]
    prefix = store.get_contexts(Filter("name LIKE ?", f"{text}%").options())
    assert {text, f"{text}x"} <= {context.name for context in prefix}
