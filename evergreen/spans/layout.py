"""The layout of spans: `ROOT/span-00001/version-01/` with data files and `manifest.json`.

A version folder appears by one rename, complete. A folder without a valid manifest is unfinished or
damaged: it is never listed, and its version number is never used again.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from evergreen.errors import DataError
from evergreen.files import file_digest
from evergreen.spans.manifest import (
    MANIFEST_NAME,
    MAX_SPAN,
    MAX_VERSION,
    Format,
    Manifest,
    read_manifest,
)

_SPAN_FOLDER = re.compile(r"span-(\d{5})")
_VERSION_FOLDER = re.compile(r"version-(\d{2})")


@dataclass(frozen=True)
class Span:
    """A published version of a span.

    Attributes:
        path: The version folder.
        manifest: The description of the folder's content.
    """

    path: Path
    manifest: Manifest

    @property
    def number(self) -> int:
        """The span number, from 1."""
        return self.manifest.span

    @property
    def version(self) -> int:
        """The version of the span, from 1."""
        return self.manifest.version

    @property
    def sha256(self) -> str:
        """The identity of the content."""
        return self.manifest.sha256

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.manifest.rows

    @property
    def format(self) -> Format:
        """The format of the data files."""
        return self.manifest.format

    @property
    def files(self) -> tuple[Path, ...]:
        """The paths of the data files, in reading order."""
        return tuple(self.path / file.name for file in self.manifest.files)


def span_folder(root: Path, number: int) -> Path:
    """Returns the folder of all versions of a span.

    Raises:
        DataError: The number does not fit the folder scheme.
    """
    if not 1 <= number <= MAX_SPAN:
        raise DataError(
            f"span number {number} is out of range", hint=f"Use a number from 1 to {MAX_SPAN}."
        )
    return root / f"span-{number:05d}"


def version_folder(root: Path, number: int, version: int) -> Path:
    """Returns the folder of one version of a span.

    Raises:
        DataError: The numbers do not fit the folder scheme.
    """
    if not 1 <= version <= MAX_VERSION:
        raise DataError(
            f"version {version} of span {number} under {root} is out of range",
            hint=f"A span holds versions 1 to {MAX_VERSION}: publish under another root.",
        )
    return span_folder(root, number) / f"version-{version:02d}"


def read_span(path: Path) -> Span:
    """Reads one version folder.

    Raises:
        DataError: The manifest is missing or invalid, or belongs to another folder.
    """
    manifest = read_manifest(path / MANIFEST_NAME)
    expected = version_folder(path.parent.parent, manifest.span, manifest.version)
    if path != expected:
        raise DataError(
            f"{path} holds the manifest of span {manifest.span} version {manifest.version}",
            hint="Do not copy or rename version folders; publish the content instead.",
        )
    return Span(path, manifest)


def used_versions(root: Path, number: int) -> list[int]:
    """Returns the version numbers that have a folder, complete or not, ascending."""
    return [version for version, _ in _numbered(span_folder(root, number), _VERSION_FOLDER)]


def list_versions(root: Path, number: int | None = None) -> list[Span]:
    """Lists complete versions, by span number and version.

    Args:
        root: The folder of the spans; a missing folder holds none.
        number: The only span to list; None for all.
    """
    spans = []
    for found, folder in _numbered(root, _SPAN_FOLDER):
        if number is None or number == found:
            spans += [_complete(path) for _, path in _numbered(folder, _VERSION_FOLDER)]
    return [span for span in spans if span]


def list_spans(root: Path) -> list[Span]:
    """Lists the latest complete version of each span, by number."""
    return list({span.number: span for span in list_versions(root)}.values())


def check_newest(root: Path, span: Span) -> None:
    """Checks that no damaged version is newer than the version to be used.

    Raises:
        DataError: If there is one, since older content would be used.
    """
    for version in used_versions(root, span.number):
        folder = version_folder(root, span.number, version)
        if version > span.version and (folder / MANIFEST_NAME).exists():
            try:
                read_span(folder)
            except DataError as error:
                raise DataError(
                    f"{error}; version {span.version} of span {span.number} would be used instead.",
                    hint=f"Publish the content again (evergreen data land), or remove {folder} if "
                    f"version {span.version} is meant.",
                ) from error


def verify(span: Span) -> None:
    """Reads every data file again and compares it with the manifest.

    Raises:
        DataError: A file is missing, truncated or changed.
    """
    for file in span.manifest.files:
        path = span.path / file.name
        hint = f"Restore the file, or publish span {span.number} again."
        if not path.is_file():
            raise DataError(f"{path} is missing", hint=hint)
        size = path.stat().st_size
        if size != file.bytes:
            raise DataError(f"{path} has {size} bytes, its manifest says {file.bytes}", hint=hint)
        if file_digest(path) != file.sha256:
            raise DataError(f"{path} has changed: its SHA-256 is not the manifest's", hint=hint)


def _complete(path: Path) -> Span | None:
    if not (path / MANIFEST_NAME).exists():
        return None
    try:
        return read_span(path)
    except DataError as error:
        logging.getLogger(__name__).warning("ignored: %s", error)
        return None


def _numbered(folder: Path, pattern: re.Pattern[str]) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    matches = ((pattern.fullmatch(path.name), path) for path in folder.iterdir() if path.is_dir())
    return sorted((int(match[1]), path) for match, path in matches if match)
