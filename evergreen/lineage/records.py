"""Run records: a context of type `evergreen.run` each, written before the run starts."""

from ml_metadata.metadata_store import ListOptions, MetadataStore, OrderByField
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.lineage.store import context_type, set_properties, take_name
from evergreen.planning.plan import RunRecord

TYPE = "evergreen.run"


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
        """Writes what became known of a run: pins, outcome."""
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
        context = self._store.get_context_by_type_and_name(TYPE, run_id)
        return _parse(context) if context else None

    def all(self, pipeline: str) -> list[RunRecord]:
        """Returns the records of a pipeline, oldest first."""
        found = self._store.get_contexts(ListOptions(filter_query=f"type = '{TYPE}'"))
        records = [_parse(context) for context in sorted(found, key=lambda one: int(one.id))]
        return [record for record in records if record.pipeline == pipeline]

    def latest(self, **keys: str) -> RunRecord | None:
        """Returns the newest record with the given keys, such as `train_key=...`."""
        conditions = [f"type = '{TYPE}'"]
        conditions += [
            f"custom_properties.{key}.string_value = '{value}'" for key, value in keys.items()
        ]
        newest = ListOptions(
            limit=1, order_by=OrderByField.ID, is_asc=False, filter_query=" AND ".join(conditions)
        )
        found = self._store.get_contexts(newest)
        return _parse(found[0]) if found else None

    def _get(self, run_id: str) -> mlmd.Context:
        context = self._store.get_context_by_type_and_name(TYPE, run_id)
        if context is None:
            raise EvergreenError(f"there is no run {run_id}.")
        return context

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
        }
        set_properties(context, properties)
        return context


def _parse(context: mlmd.Context) -> RunRecord:
    return RunRecord.model_validate_json(context.custom_properties["record"].string_value)
