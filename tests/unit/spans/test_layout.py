"""Only complete spans are listed, and a span that changed is noticed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from evergreen.errors import DataError
from evergreen.spans import Span, list_spans, list_versions, publish_version, read_span, verify

Change = Callable[[dict], object]


@pytest.fixture
def span(tmp_path: Path) -> Span:
    return publish_version(tmp_path, 3, pa.table({"id": list(range(100))}))


def edit_manifest(span: Span, change: Change) -> None:
    path = span.path / "manifest.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.update(colour="red"), "colour: Extra inputs are not permitted"),
        (lambda m: m["files"][0].update(url="x"), "files.0.url: Extra inputs"),
        (lambda m: m.pop("rows"), "rows: Field required"),
        (lambda m: m.update(format_version=2), "format_version: Input should be 1"),
        (lambda m: m.update(sha256="0" * 64), "sha256 is not the digest of the listed files"),
        (lambda m: m["files"][0].update(name="../../secret.csv"), "files.0.name"),
        (lambda m: m.update(span=4), "holds the manifest of span 4 version 1"),
    ],
)
def test_a_manifest_that_is_not_exactly_one_is_refused_and_not_listed(
    span: Span, change: Change, problem: str
) -> None:
    edit_manifest(span, change)
    with pytest.raises(DataError, match=problem) as refusal:
        read_span(span.path)
    assert str(span.path) in str(refusal.value)
    assert refusal.value.hint
    assert list_versions(span.path.parent.parent) == []


def test_a_folder_without_a_manifest_is_incomplete(span: Span) -> None:
    (span.path / "manifest.json").unlink()
    assert list_spans(span.path.parent.parent) == []
    with pytest.raises(DataError, match=r"cannot read .*manifest\.json") as refusal:
        read_span(span.path)
    assert "unfinished" in refusal.value.hint


def test_other_folders_are_not_spans(span: Span) -> None:
    root = span.path.parent.parent
    shutil.copytree(span.path, root / "span-3" / "version-01")
    shutil.copytree(span.path, root / "span-00004" / "version-01")
    shutil.copytree(span.path, span.path.with_name("version-1"))
    assert list_versions(root) == [span]
    assert list_spans(root / "nowhere") == []


def test_spans_are_listed_by_number_in_their_latest_version(tmp_path: Path) -> None:
    for number, value in [(10, 1), (2, 1), (2, 2), (1, 1)]:
        publish_version(tmp_path, number, pa.table({"id": [value]}))
    assert [(s.number, s.version) for s in list_spans(tmp_path)] == [(1, 1), (2, 2), (10, 1)]
    assert [(s.number, s.version) for s in list_versions(tmp_path, 2)] == [(2, 1), (2, 2)]


def test_verify_accepts_what_was_published(span: Span) -> None:
    verify(span)


def test_verify_notices_a_truncated_file(span: Span) -> None:
    data = span.files[0].read_bytes()
    span.files[0].write_bytes(data[:-1])
    with pytest.raises(DataError, match=rf"part-00000.parquet has {len(data) - 1} bytes"):
        verify(span)


def test_verify_notices_a_changed_file(span: Span) -> None:
    data = bytearray(span.files[0].read_bytes())
    data[10] ^= 1
    span.files[0].write_bytes(data)
    with pytest.raises(DataError, match=r"part-00000.parquet has changed"):
        verify(span)


def test_verify_notices_a_missing_file(span: Span) -> None:
    span.files[0].unlink()
    with pytest.raises(DataError, match=r"part-00000.parquet is missing") as refusal:
        verify(span)
    assert "publish span 3 again" in refusal.value.hint
