"""Plans runs, and records each plan before anything starts."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import DataError, SettingsError
from evergreen.lineage.artifacts import (
    all_usable,
    blessed_examples,
    blessed_statistics,
    latest_analyzer_cache,
    previous_statistics,
)
from evergreen.lineage.filters import is_fit
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.roots import Root
from evergreen.planning.identity import take_digests
from evergreen.planning.provenance import take_provenance
from evergreen.runs.digests import digest_values
from evergreen.runs.plan import (
    TRAIN,
    Digests,
    ModelRef,
    Pins,
    Plan,
    Request,
    RunRecord,
    SpanRef,
    ingest_plan,
)
from evergreen.settings import Settings
from evergreen.spans import Span, check_newest, list_spans, select


class Planner:
    """Plans the runs of one project against one metadata store."""

    def __init__(self, settings: Settings, store: MetadataStore) -> None:
        self._settings = settings
        self._store = store
        self._records = RunRecords(store)
        self._registry = Registry(store, settings.model.name)

    def plan(
        self, request: Request, job: str = "", run_id: str = "", *, remote: bool = False
    ) -> RunRecord:
        """Turns a request into a run record, and writes it.

        Args:
            request: The request.
            job: The orchestrator's id for the run, if it has its own ids.
            run_id: The id of the run, if the caller chose one.
            remote: Whether it is carried out elsewhere.

        Raises:
            DataError: If requested spans are missing, or their newest version is damaged.
            SettingsError: If the store cannot search for the pipeline's or the model's name.
            RootError: If the pipeline's root is another store's.
            ml_metadata.errors.AlreadyExistsError: If the run id is taken.
        """
        _check_names(self._settings)
        settings, digests = self._settings, take_digests(self._settings)
        window = tuple(self.reference(span, digests) for span in self._select(request))
        transform_key, train_key = _keys(request, window, digests)
        baseline = self._baseline(train_key)
        record = RunRecord(
            run_id=run_id or f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            run_key=self._run_key(request, train_key, baseline),
            train_key=train_key,
            transform_key=transform_key,
            request=request,
            pipeline=settings.pipeline.name,
            model=settings.model.name,
            orchestrator=settings.pipeline.orchestrator,
            created=datetime.now(UTC),
            digests=digests,
            window=window,
            to_ingest=tuple(span for span in window if self._is_missing(span, request)),
            baseline=baseline,
            model_version=self._version(request, train_key),
            remote=remote,
            job=job,
            provenance=take_provenance(settings.pipeline.lock.parent),
            settings=self._records.keep_settings(settings.model_dump(mode="json", by_alias=True)),
        )
        Root.of(self._settings, self._store).claim()
        self._records.create(record)
        return record

    def again(self, record: RunRecord) -> RunRecord:
        """Plans a run that has not ended well again, with the present code; writes no record.

        Window, baseline and settings stay. What the changes do not concern comes from the cache.
        """
        digests = take_digests(self._settings)
        if digests == record.digests:
            version = record.model_version or self._version(record.request, record.train_key)
            return record.model_copy(update={"model_version": version})
        place = self._settings.serving.base_path / str(record.model_version)
        if record.model_version is not None and not place.exists():
            self._registry.release_version(record.train_key)
        window = tuple(self.reference(span, digests) for span in record.window)
        begun = {span.label for span in record.to_ingest}
        missing = {span.label for span in window if self._is_missing(span, record.request)}
        transform_key, train_key = _keys(record.request, window, digests)
        planned = {
            "digests": digests,
            "window": window,
            "to_ingest": tuple(span for span in window if span.label in begun | missing),
            "transform_key": transform_key,
            "train_key": train_key,
            "run_key": self._run_key(record.request, train_key, record.baseline),
            "model_version": self._version(record.request, train_key),
            # The same pins, so that Transform comes from the cache.
            "pins": record.pins if transform_key == record.transform_key else None,
        }
        return record.model_copy(update=planned).anew([*sorted(missing), TRAIN], "")

    def _version(self, request: Request, train_key: str) -> int | None:
        pushes = request.train and not request.experiment
        return self._registry.take_version(train_key) if pushes else None

    def _run_key(self, request: Request, train_key: str, baseline: ModelRef | None) -> str:
        settings = self._settings
        return digest_values(
            train=train_key,
            baseline=baseline,
            gates=settings.gates.model_dump(),
            answer=settings.model.model_dump(include={"task", "classes", "label"}),
            experiment=request.experiment,
            destination=[settings.model.name, settings.serving.base_path],
            ingest_only=not request.train,
        )

    def ingest(self, record: RunRecord, span: SpanRef) -> Plan:
        """Plans the ingestion of one span of a run, after all earlier spans are ingested."""
        previous = previous_statistics(self._store, self._settings.data_series, span.number)
        earlier = (
            blessed_statistics(self._store, earlier.ingest_key)
            for earlier in record.window
            if earlier.number < span.number
        )
        return ingest_plan(record, span, previous, tuple(id_ for id_ in earlier if id_))

    def pin(self, record: RunRecord) -> RunRecord:
        """Fixes the inputs of training by artifact id, once all spans of the window are ingested.

        Raises:
            DataError: If a span of the window is not ingested, or did not pass the data gate.
        """
        pinned = record.with_pins(self._pins_used_before(record) or self._new_pins(record))
        self._records.update(pinned)
        return pinned

    def _select(self, request: Request) -> list[Span]:
        root = self._settings.data.span_root
        spans = select(root, request.spans) if request.spans else list_spans(root)
        if not spans:
            raise DataError(
                f"{root}: there are no spans.",
                hint="Cut the data into spans: evergreen data prepare",
            )
        for span in spans:
            check_newest(root, span)
        return spans

    def reference(self, span: Span | SpanRef, digests: Digests) -> SpanRef:
        """Returns the reference to a span for a run record; `digests` come from `take_digests`."""
        data = self._settings.data
        key = digest_values(
            series=self._settings.data_series,
            number=span.number,
            version=span.version,
            content=span.sha256,
            table_schema=digests.table_schema,
            row_key=data.key,
            splits=data.splits,
            rejected_share=data.rejected_share,
            code=digests.ingestion,
            missing=sorted(data.missing),
        )
        return SpanRef(
            number=span.number,
            version=span.version,
            sha256=span.sha256,
            path=span.path,
            ingest_key=key,
        )

    def _is_missing(self, span: SpanRef, request: Request) -> bool:
        return not request.cache or blessed_examples(self._store, span.ingest_key) is None

    def _examples_id(self, span: SpanRef) -> int:
        examples_id = blessed_examples(self._store, span.ingest_key)
        if examples_id is None:
            raise DataError(f"{span.label} is not ingested, or did not pass the data gate.")
        return examples_id

    def _baseline(self, train_key: str) -> ModelRef | None:
        """Returns the serving model; if this training made it, the model it was compared with."""
        serving = self._registry.serving()
        if serving and self._registry.train_key(serving.version) == train_key:
            run_id = self._registry.registration(serving).evidence.get("run")
            return self._records.get(run_id).baseline if run_id else None
        return serving

    def _pins_used_before(self, record: RunRecord) -> Pins | None:
        """Returns the pins of the last run with the same transformation, if their files exist."""
        previous = self._records.latest(transform_key=record.transform_key, pinned="yes")
        if previous is None or previous.pins is None:
            return None
        return previous.pins if all_usable(self._store, previous.pins.ids) else None

    def _new_pins(self, record: RunRecord) -> Pins:
        cache = latest_analyzer_cache(self._store, record.pipeline, record.digests.use_case_data)
        return Pins(
            examples=tuple(self._examples_id(span) for span in record.window),
            analyzer_cache=cache if record.request.cache else None,
        )


def _keys(request: Request, window: Iterable[SpanRef], digests: Digests) -> tuple[str, str]:
    """Returns the keys of the transformed examples and of the model."""
    transform_key = digest_values(
        window=[span.ingest_key for span in window],
        use_case=digests.use_case,
        platform=digests.platform,
        lock=digests.lock,
        nonce="" if request.cache else secrets.token_hex(8),
    )
    train_key = digest_values(
        transform=transform_key, definition=digests.definition, settings=digests.settings
    )
    return transform_key, train_key


def _check_names(settings: Settings) -> None:
    """Refuses names that the store's filters would read as a column, before anything is written."""
    names = {"pipeline.name": settings.pipeline.name, "model.name": settings.model.name}
    for key, name in names.items():
        if not is_fit(name):
            raise SettingsError(
                f"{key}: {name} is the name of a column of the metadata store.",
                hint="Call it otherwise.",
            )
