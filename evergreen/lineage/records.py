"""Run records: one context of type `evergreen.run` each, written before the run starts.

The complete settings are separate contexts named by their digest, since most runs share them.
"""

import json
import re
from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.lineage.filters import Filter
from evergreen.lineage.store import context_type, parse, set_properties, take_name
from evergreen.runs.digests import digest_values
from evergreen.runs.plan import RunRecord

TYPE = "evergreen.run"
SETTINGS_TYPE = "evergreen.settings"


class RunRecords:
    """The run records of a metadata store."""

    def __init__(self, store: MetadataStore) -> None:
        self._store = store
        self._type_id = context_type(store, TYPE)

    def create(self, record: RunRecord) -> None:
        """Writes the record of a new run.

        Raises:
            ml_metadata.errors.AlreadyExistsError: If its run id is taken.
        """
        take_name(self._store, TYPE, self._context(record))

    def update(self, record: RunRecord) -> None:
        """Writes a run's record again, with its pins or its outcome."""
        context = self._context(record)
        context.id = self._get(record.run_id).id
        self._store.put_contexts([context])

    def get(self, run_id: str) -> RunRecord:
        """Returns the record of a run.

        Raises:
            EvergreenError: If there is no such run.
        """
        return _parse(self._get(run_id))

    def find(self, run_id: str) -> RunRecord | None:
        """Returns the record of a run, if there is one."""
        context = self._named(run_id)
        return _parse(context) if context else None

    def beginning(self, text: str, limit: int) -> list[RunRecord]:
        """Returns the newest records whose run ids begin with a text, at most so many."""
        if not re.fullmatch(r"[\w-]{1,100}", text, re.ASCII):  # no run id has anything else
            return []
        found = self.newest(Filter("name LIKE ?", f"{text}%"), limit=limit)
        return [record for record in found if record.run_id.startswith(text)]

    def of_model(self, model: str) -> list[RunRecord]:
        """Returns the records of a model's runs, oldest first."""
        return self.newest(Filter.has("model", model))[::-1]

    def latest(self, **keys: str) -> RunRecord | None:
        """Returns the newest record with the given keys, such as `train_key=...`."""
        found = self.newest(*(Filter.has(key, value) for key, value in keys.items()), limit=1)
        return found[0] if found else None

    def newest(self, *conditions: Filter, limit: int | None = None) -> list[RunRecord]:
        """Returns records, newest first.

        Args:
            conditions: Conditions on the contexts of the records; all must hold.
            limit: The greatest number of records.
        """
        wanted = reduce(and_, conditions, Filter("type = ?", TYPE))
        found = self._store.get_contexts(wanted.options(newest_first=True, limit=limit))
        return [_parse(context) for context in found]

    def keep_settings(self, values: Mapping[str, Any]) -> str:
        """Stores settings, unless they are stored already; returns their digest."""
        digest = digest_values(**values)
        context = mlmd.Context(type_id=context_type(self._store, SETTINGS_TYPE), name=digest)
        set_properties(context, {"settings": json.dumps(values, sort_keys=True)})
        take_name(self._store, SETTINGS_TYPE, context)
        return digest

    def settings(self, record: RunRecord) -> dict[str, Any]:
        """Returns the settings that a run was planned with, by section.

        Raises:
            EvergreenError: If they were not kept.
        """
        context = self._store.get_context_by_type_and_name(SETTINGS_TYPE, record.settings)
        if context is None:
            raise EvergreenError(f"run {record.run_id}: its settings were not kept.")
        return dict(json.loads(context.custom_properties["settings"].string_value))

    def _get(self, run_id: str) -> mlmd.Context:
        context = self._named(run_id)
        if context is None:
            raise EvergreenError(f"there is no run {run_id}.", hint="See: evergreen runs")
        return context

    def _named(self, run_id: str) -> mlmd.Context | None:
        """Returns the context of that name; None for text that cannot be a name."""
        if not run_id.isprintable():
            return None
        return self._store.get_context_by_type_and_name(TYPE, run_id)

    def _context(self, record: RunRecord) -> mlmd.Context:
        context = mlmd.Context(type_id=self._type_id, name=record.run_id)
        properties: dict[str, str | int] = {
            "record": record.model_dump_json(),
            "run_key": record.run_key,
            "train_key": record.train_key,
            "transform_key": record.transform_key,
            "pinned": "yes" if record.pins else "no",
            "outcome": record.outcome or "",
            "job": record.job,
            "model": record.model,
            "requested_by": record.request.requested_by,
            "model_version": record.model_version or 0,
            "spans": "".join(f",{span.number}" for span in record.window) + ",",
        }
        set_properties(context, properties)
        return context


def _parse(context: mlmd.Context) -> RunRecord:
    text = context.custom_properties["record"].string_value
    return parse(RunRecord, text, f"the record of run {context.name}")
