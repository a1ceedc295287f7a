"""Ownership of the files below a pipeline's root: only this store's files may be removed.

A marker in the root names the metadata store that records its artifacts. Roots of version 0.1.0
have no marker, and get one if their content fits the store.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

from ml_metadata.errors import NotFoundError
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode
from evergreen.files import OutsideError, below, write_file
from evergreen.lineage.store import AlreadyExistsError, context_type, set_properties, take_name
from evergreen.settings import Settings

MARKER = ".store.json"
TYPE = "evergreen.store"
NAME = "this"
TAIL = 3
"""Parts of an artifact's path below the root: node, key, and the execution that made it."""


class RootError(EvergreenError):
    """Raised when the files below the root may be another store's; none is touched."""

    exit_code = ExitCode.WRONG


@dataclass(frozen=True)
class Doubt:
    """A reason why the files below a root may be another store's.

    Attributes:
        kind: `moved root`, `foreign root` or `empty root`.
        what: What is wrong.
        hint: What a person can do.
    """

    kind: str
    what: str
    hint: str


class Root:
    """The root of a pipeline, as recorded in one store."""

    def __init__(self, store: MetadataStore, pipeline: str, folder: Path) -> None:
        """Reads nothing yet.

        Args:
            store: The metadata store.
            pipeline: The name of the pipeline.
            folder: The root.
        """
        self._store, self._pipeline, self.folder = store, pipeline, folder
        self._contexts = cache(self._contexts_of)

    @classmethod
    def of(cls, settings: Settings, store: MetadataStore) -> "Root":
        """Returns the root of a project."""
        return cls(store, settings.pipeline.name, settings.pipeline.root)

    def claim(self) -> None:
        """Marks a root without artifacts as this store's, before a run makes any.

        Raises:
            RootError: If it is another store's, whose executions have the same numbers, so that the
                two stores would overwrite each other's folders.
        """
        if doubt := self._foreign():
            raise RootError(doubt.what, hint=doubt.hint)
        if not self._marker() and not any(self._folders()):
            self._mark()

    def check(self) -> None:
        """Checks that the files are this store's.

        Raises:
            RootError: If they may be another store's.
        """
        if doubt := self.doubt(self._store.get_artifacts()):
            raise RootError(doubt.what, hint=doubt.hint)

    def adopt(self) -> None:
        """Marks a root that has no marker yet, if its files are this store's.

        Raises:
            RootError: If they may be another store's.
        """
        self.check()
        if self.folder.is_dir() and not self._marker():
            self._mark()

    def doubt(self, known: Sequence[mlmd.Artifact]) -> Doubt | None:
        """Returns a reason why the files may be another store's, if there is one.

        Args:
            known: All artifacts of the store.
        """
        if not self.folder.is_dir():
            return None  # no files, so none can be touched
        live = [artifact for artifact in known if artifact.state == mlmd.Artifact.LIVE]
        doubt = self._foreign() or self._moved(live)
        return doubt if doubt or self._marker() else self._unmarked(live)

    def owns(self, place: Path) -> bool:
        """Returns whether an execution of this pipeline's node of that name made a folder."""
        try:
            parts = below(self.folder, place).parts
        except OutsideError:
            return False
        return len(parts) >= TAIL and self._is_made(parts) == self._pipeline

    def take_over(self, old: Path) -> int:
        """Records that the root was moved here, and with it the artifacts below the old one.

        Returns:
            The number of artifacts.

        Raises:
            RootError: If none is recorded there, none of their files is here, or this root is
                another store's.
        """
        if doubt := self._foreign():
            raise RootError(doubt.what, hint=doubt.hint)
        known = self._store.get_artifacts()
        moved = [artifact for artifact in known if _is_below(artifact.uri, old)]
        live = [artifact for artifact in moved if artifact.state == mlmd.Artifact.LIVE]
        if old == self.folder or not any(
            os.path.exists(self._new_place(artifact, old)) for artifact in live
        ):
            recorded = Counter(str(root) for root in map(_root_of, known) if root)
            places = ", ".join(f"{where} ({count})" for where, count in recorded.most_common(5))
            raise RootError(
                f"{self.folder}: nothing of what is recorded below {old} is here.",
                hint=f"Artifacts are recorded below: {places or 'no folder yet'}.",
            )
        for artifact in moved:
            artifact.uri = str(self._new_place(artifact, old))
        self._store.put_artifacts(moved)
        self._mark()
        return len(moved)

    def _new_place(self, artifact: mlmd.Artifact, old: Path) -> Path:
        return self.folder / Path(artifact.uri).relative_to(old)

    def _foreign(self) -> Doubt | None:
        """Returns a doubt if the marker is another store's."""
        other = self._marker()
        if other in ("", store_id(self._store)):
            return None
        return Doubt(
            "foreign root",
            f"{self.folder} is the root of another metadata store, {other[:8]}: nothing in it is"
            " touched",
            "name that store in `metadata`, or another folder in `pipeline.root`; if that store is"
            " gone for good, move the folder away",
        )

    def _moved(self, live: Sequence[mlmd.Artifact]) -> Doubt | None:
        """Returns a doubt if folders here are recorded at the same place below another root."""
        elsewhere = [
            Path(artifact.uri) for artifact in live if not _is_below(artifact.uri, self.folder)
        ]
        found = [
            place
            for place in elsewhere
            if os.path.exists(self.folder.joinpath(*place.parts[-TAIL:]))
        ]
        roots = Counter(root for place in found if (root := _root_of_place(place)))
        for old, count in roots.most_common(1):
            return Doubt(
                "moved root",
                f"the root moved from {old} to {self.folder}: {count} artifacts that are recorded"
                " there are here; nothing is touched",
                f"to take it over: evergreen doctor --moved-from {old}",
            )
        return None

    def _unmarked(self, live: Sequence[mlmd.Artifact]) -> Doubt | None:
        """Returns a doubt if the content of the root does not fit the store."""
        for folder in self._folders():
            if not self._is_made(folder.relative_to(self.folder).parts):
                return Doubt(
                    "foreign root",
                    f"{self.folder} has folders of another metadata store, such as {folder}:"
                    " nothing in it is touched",
                    "move them away, or name another folder in `pipeline.root`",
                )
        here = [artifact.uri for artifact in live if _is_below(artifact.uri, self.folder)]
        if here and not any(map(os.path.exists, here)):
            return Doubt(
                "empty root",
                f"{self.folder} has none of the {len(here)} artifacts that are recorded there",
                "mount the right volume; if they are gone for good, the next run begins anew",
            )
        return None

    def _folders(self) -> Iterator[Path]:
        """Yields the folders with the names that TFX gives to artifacts' folders."""
        for folder in sorted(self.folder.glob("[!.]*/[!.]*/*")):
            if folder.name.isdecimal() and folder.is_dir():
                yield folder

    def _is_made(self, parts: Sequence[str]) -> str:
        """Returns the pipeline whose execution made a folder; empty if none did."""
        node, _, number = parts[:TAIL]
        if not (number.isascii() and number.isdecimal() and len(number) < 19):  # noqa: PLR2004
            return ""
        contexts = self._contexts(int(number))
        pipeline = contexts.get("pipeline", "")
        return pipeline if contexts.get("node") == f"{pipeline}.{node}" else ""

    def _contexts_of(self, execution: int) -> dict[str, str]:
        try:
            found = self._store.get_contexts_by_execution(execution)
        except NotFoundError:  # no such execution, or one without contexts
            return {}
        return {context.type: context.name for context in found}

    def _marker(self) -> str:
        """Returns the id of the store in the marker; empty if there is no marker."""
        file = self.folder / MARKER
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["store"])
        except FileNotFoundError:
            return ""
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RootError(
                f"{file}: is not readable: {error}",
                hint="It says whose the files are. Restore it, or remove it to have it made anew.",
            ) from error

    def _mark(self) -> None:
        write_file(self.folder / MARKER, json.dumps({"store": store_id(self._store)}) + "\n")


def store_id(store: MetadataStore) -> str:
    """Returns the unique id of a metadata store."""
    if found := store.get_context_by_type_and_name(TYPE, NAME):
        return str(found.custom_properties["id"].string_value)
    context = mlmd.Context(type_id=context_type(store, TYPE), name=NAME)
    set_properties(context, {"id": uuid4().hex})
    with suppress(AlreadyExistsError):  # another process was faster
        take_name(store, TYPE, context)
    return store_id(store)


def _is_below(uri: str, root: Path) -> bool:
    return ".." not in Path(uri).parts and Path(uri).is_relative_to(root)


def _root_of(artifact: mlmd.Artifact) -> Path | None:
    return _root_of_place(Path(artifact.uri))


def _root_of_place(place: Path) -> Path | None:
    """Returns the root above an artifact's folder, if the path has the form that TFX gives it."""
    is_made = place.name.isdecimal() and len(place.parts) > TAIL + 1
    return place.parents[TAIL - 1] if is_made else None
