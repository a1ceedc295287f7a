"""Artifacts found by their content: ingested spans and analyzer caches."""

import os

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.filters import Filter

DATA_DIGEST = "use_case_data_digest"
"""The parameter of Transform that holds the digest of the use case's data files."""
DATA_BLESSING = "DataBlessing"


def blessed_examples(store: MetadataStore, ingest_key: str) -> int | None:
    """Returns the id of the Examples artifact of a span that passed the data gate.

    Args:
        store: The metadata store.
        ingest_key: The identity of span, schema and split.

    Returns:
        Its id, if the newest verdict is a blessing and the files exist; None otherwise.
    """
    return _first_usable(store, _blessings(store, ingest_key), "examples_id")


def blessed_statistics(store: MetadataStore, ingest_key: str) -> int | None:
    """Returns the id of the statistics artifact of a span that passed the data gate.

    Takes the same arguments as `blessed_examples`, and returns None in the same cases.
    """
    return _first_usable(store, _blessings(store, ingest_key), "statistics_id")


def refused(store: MetadataStore, ingest_key: str) -> bool:
    """Returns whether the data gate refused a span in its newest verdict."""
    verdicts = _verdicts(store, ingest_key)
    return bool(verdicts) and not verdicts[0].custom_properties["blessed"].int_value


def previous_statistics(store: MetadataStore, series: str, number: int) -> int | None:
    """Returns the statistics artifact of the nearest blessed span before a number, if any.

    Args:
        store: The metadata store.
        series: The spans to search: those of one pipeline and period.
        number: The number of the span.
    """
    before = Filter("custom_properties.span.int_value < ?", number)
    blessings = _newest(store, _blessed_of(series) & before)
    nearest = sorted(
        blessings,
        key=lambda artifact: (artifact.custom_properties["span"].int_value, artifact.id),
        reverse=True,
    )
    return _first_usable(store, nearest, "statistics_id")


def series_statistics(store: MetadataStore, series: str) -> dict[int, int]:
    """Returns the statistics artifact of every blessed span of a series, by its number.

    Args:
        store: The metadata store.
        series: The spans to search: those of one pipeline and period.
    """
    blessings = _newest(store, _blessed_of(series))
    by_span: dict[int, list[mlmd.Artifact]] = {}
    for blessing in blessings:
        by_span.setdefault(blessing.custom_properties["span"].int_value, []).append(blessing)
    found = {span: _first_usable(store, by_span[span], "statistics_id") for span in sorted(by_span)}
    return {span: id_ for span, id_ in found.items() if id_ is not None}


def latest_analyzer_cache(
    store: MetadataStore, pipeline: str, data_digest: str | None = None
) -> int | None:
    """Returns the id of a pipeline's newest reusable TransformCache artifact.

    TFX looks up cache entries by the graph that computed them. The graph names the files that it
    loads, but not their content, so TFX would reuse a cache made with another word list.

    Args:
        store: The metadata store.
        pipeline: The pipeline's name.
        data_digest: The digest of the use case's data files, empty if it has none; None for any.
    """
    found = _newest(store, Filter("type = 'TransformCache'") & of_pipeline(pipeline))
    return next(
        (
            int(artifact.id)
            for artifact in found
            if _usable(artifact) and data_digest in (None, _data_digest(store, artifact))
        ),
        None,
    )


def of_pipeline(name: str) -> Filter:
    """Returns the condition that an artifact belongs to a pipeline."""
    return Filter("contexts_p.type = 'pipeline' AND contexts_p.name = ?", name)


def data_verdicts() -> Filter:
    """Returns the condition that an artifact is a verdict of the data gate."""
    return Filter("type = ?", DATA_BLESSING)


def all_usable(store: MetadataStore, ids: list[int]) -> bool:
    """Returns whether all artifacts exist, with their files."""
    found = store.get_artifacts_by_id(ids)
    return len(found) == len(set(ids)) and all(_usable(artifact) for artifact in found)


def _data_digest(store: MetadataStore, cache: mlmd.Artifact) -> str:
    """Returns the digest of the data files that a cache was made with; empty if there were none."""
    events = store.get_events_by_artifact_ids([cache.id])
    made = [event.execution_id for event in events if event.type == mlmd.Event.OUTPUT]
    for execution in store.get_executions_by_id(made):
        if DATA_DIGEST in execution.custom_properties:
            return str(execution.custom_properties[DATA_DIGEST].string_value)
    return ""


def _blessings(store: MetadataStore, ingest_key: str) -> list[mlmd.Artifact]:
    """Returns the blessings of a span, newest first; none if its newest verdict is a refusal."""
    verdicts = _verdicts(store, ingest_key)
    blessed = [verdict for verdict in verdicts if verdict.custom_properties["blessed"].int_value]
    return blessed if blessed[:1] == verdicts[:1] else []


def _verdicts(store: MetadataStore, ingest_key: str) -> list[mlmd.Artifact]:
    return _newest(store, data_verdicts() & Filter.has("ingest_key", ingest_key))


def _blessed_of(series: str) -> Filter:
    return data_verdicts() & Filter.has("blessed", 1) & Filter.has("series", series)


def _newest(store: MetadataStore, wanted: Filter) -> list[mlmd.Artifact]:
    return list(store.get_artifacts(wanted.options(newest_first=True)))


def _first_usable(
    store: MetadataStore, blessings: list[mlmd.Artifact], reference: str
) -> int | None:
    """Returns the first artifact that a property of the blessings names and whose files exist."""
    ids = [blessing.custom_properties[reference].int_value for blessing in blessings]
    by_id = {artifact.id: artifact for artifact in store.get_artifacts_by_id(ids)}
    return next((int(id_) for id_ in ids if id_ in by_id and _usable(by_id[id_])), None)


def _usable(artifact: mlmd.Artifact) -> bool:
    return artifact.state == mlmd.Artifact.LIVE and os.path.exists(artifact.uri)
