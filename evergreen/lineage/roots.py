"""Whose the files below a pipeline's root are: what is surely this store's may be removed.

A marker in the root names the metadata store that its artifacts are recorded in. Roots that version
0.1.0 made have none: they get one when nothing in them speaks against it.
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
from evergreen.files import OutsideError, below, write_file
from evergreen.lineage.store import AlreadyExistsError, context_type, set_properties, take_name
from evergreen.settings import Settings

MARKER = ".store.json"
TYPE = "evergreen.store"
NAME = "this"
TAIL = 3
"""Parts of an artifact's place below the root: node, key, and the execution that made it."""


class RootError(EvergreenError):
    """The files below the root are not surely this store's; none is touched."""

    exit_code = 2


@dataclass(frozen=True)
class Doubt:
    """Why the files below a root are not surely this store's.

    Attributes:
        kind: `moved root`, `foreign root` or `empty root`.
        what: What is the matter.
        hint: What a person can do.
    """

    kind: str
    what: str
    hint: str


class Root:
    """The root of a pipeline, as one store knows it."""

    def __init__(self, store: MetadataStore, pipeline: str, folder: Path) -> None:
        """Looks at nothing yet.

        Args:
            store: The metadata store.
            pipeline: The name of the pipeline.
            folder: The root.
        """
        self._store, self._pipeline, self.folder = store, pipeline, folder
        self._contexts = cache(self._contexts_of)

    @classmethod
    def of(cls, settings: Settings, store: MetadataStore) -> "Root":
        """The root of a project."""
        return cls(store, settings.pipeline.name, settings.pipeline.root)

    def claim(self) -> None:
        """Marks a root that has no artifacts yet as this store's: before a run makes any.

        Raises:
            RootError: If it is another store's. Executions of both have the same numbers: one
                would write over the folders of the other.
        """
        if doubt := self._foreign():
            raise RootError(doubt.what, hint=doubt.hint)
        if not self._marker() and not any(self._folders()):
            self._mark()

    def check(self) -> None:
        """Makes sure that the files are this store's.

        Raises:
            RootError: If they are not surely.
        """
        if doubt := self.doubt(self._store.get_artifacts()):
            raise RootError(doubt.what, hint=doubt.hint)

    def adopt(self) -> None:
        """Marks a root that has no marker yet, if its files are this store's.

        Raises:
            RootError: If they are not surely.
        """
        self.check()
        if self.folder.is_dir() and not self._marker():
            self._mark()

    def doubt(self, known: Sequence[mlmd.Artifact]) -> Doubt | None:
        """Returns why the files may not be this store's, if so.

        Args:
            known: All artifacts of the store.
        """
        if not self.folder.is_dir():
            return None  # and so there is nothing to be touched
        live = [one for one in known if one.state == mlmd.Artifact.LIVE]
        doubt = self._foreign() or self._moved(live)
        return doubt if doubt or self._marker() else self._unmarked(live)

    def owns(self, place: Path) -> bool:
        """Whether an execution of this pipeline, of the node of that name, made a folder."""
        try:
            parts = below(self.folder, place).parts
        except OutsideError:
            return False
        return len(parts) >= TAIL and self._is_made(parts) == self._pipeline

    def take_over(self, old: Path) -> int:
        """Records that the root was moved here: artifacts below the old one are below this one.

        Returns:
            How many they are.

        Raises:
            RootError: If none is recorded there, none of their files is here, or this root is
                another store's.
        """
        if doubt := self._foreign():
            raise RootError(doubt.what, hint=doubt.hint)
        known = self._store.get_artifacts()
        moved = [one for one in known if _is_below(one.uri, old)]
        live = [one for one in moved if one.state == mlmd.Artifact.LIVE]
        if old == self.folder or not any(os.path.exists(self._new_place(one, old)) for one in live):
            recorded = Counter(str(one) for one in map(_root_of, known) if one)
            places = ", ".join(f"{where} ({count})" for where, count in recorded.most_common(5))
            raise RootError(
                f"{self.folder}: nothing of what is recorded below {old} is here.",
                hint=f"Artifacts are recorded below: {places or 'no folder yet'}.",
            )
        for one in moved:
            one.uri = str(self._new_place(one, old))
        self._store.put_artifacts(moved)
        self._mark()
        return len(moved)

    def _new_place(self, one: mlmd.Artifact, old: Path) -> Path:
        return self.folder / Path(one.uri).relative_to(old)

    def _foreign(self) -> Doubt | None:
        """Another store's marker."""
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
        """Folders here that are recorded at the same place below another root."""
        elsewhere = [Path(one.uri) for one in live if not _is_below(one.uri, self.folder)]
        found = [
            one for one in elsewhere if os.path.exists(self.folder.joinpath(*one.parts[-TAIL:]))
        ]
        roots = Counter(root for one in found if (root := _root_of_place(one)))
        for old, count in roots.most_common(1):
            return Doubt(
                "moved root",
                f"the root moved from {old} to {self.folder}: {count} artifacts that are recorded"
                " there are here; nothing is touched",
                f"to take it over: evergreen doctor --moved-from {old}",
            )
        return None

    def _unmarked(self, live: Sequence[mlmd.Artifact]) -> Doubt | None:
        """What speaks against giving the root a marker."""
        for folder in self._folders():
            if not self._is_made(folder.relative_to(self.folder).parts):
                return Doubt(
                    "foreign root",
                    f"{self.folder} has folders of another metadata store, such as {folder}:"
                    " nothing in it is touched",
                    "move them away, or name another folder in `pipeline.root`",
                )
        here = [one.uri for one in live if _is_below(one.uri, self.folder)]
        if here and not any(map(os.path.exists, here)):
            return Doubt(
                "empty root",
                f"{self.folder} has none of the {len(here)} artifacts that are recorded there",
                "mount the right volume; if they are gone for good, the next run begins anew",
            )
        return None

    def _folders(self) -> Iterator[Path]:
        """The folders that are named as TFX names those of artifacts."""
        for folder in sorted(self.folder.glob("[!.]*/[!.]*/*")):
            if folder.name.isdecimal() and folder.is_dir():
                yield folder

    def _is_made(self, parts: Sequence[str]) -> str:
        """The pipeline whose node of that name was the execution of that number; empty if none."""
        node, _, number = parts[:TAIL]
        if not (number.isascii() and number.isdecimal() and len(number) < 19):  # noqa: PLR2004
            return ""
        contexts = self._contexts(int(number))
        pipeline = contexts.get("pipeline", "")
        return pipeline if contexts.get("node") == f"{pipeline}.{node}" else ""

    def _contexts_of(self, execution: int) -> dict[str, str]:
        try:
            found = self._store.get_contexts_by_execution(execution)
        except NotFoundError:  # there is no such execution, or it has none
            return {}
        return {one.type: one.name for one in found}

    def _marker(self) -> str:
        """The id of the store whose root it is; empty if nobody said so."""
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
    """Returns what tells a metadata store from every other one."""
    if found := store.get_context_by_type_and_name(TYPE, NAME):
        return str(found.custom_properties["id"].string_value)
    context = mlmd.Context(type_id=context_type(store, TYPE), name=NAME)
    set_properties(context, {"id": uuid4().hex})
    with suppress(AlreadyExistsError):  # another process was faster
        take_name(store, TYPE, context)
    return store_id(store)


def _is_below(uri: str, root: Path) -> bool:
    return ".." not in Path(uri).parts and Path(uri).is_relative_to(root)


def _root_of(one: mlmd.Artifact) -> Path | None:
    return _root_of_place(Path(one.uri))


def _root_of_place(place: Path) -> Path | None:
    """The root that a place would be below, if it is one that TFX gives."""
    is_made = place.name.isdecimal() and len(place.parts) > TAIL + 1
    return place.parents[TAIL - 1] if is_made else None
