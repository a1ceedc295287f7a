"""Ingested spans and caches are found by what they are, and only if their files are there."""

import shutil
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage.artifacts import (
    blessed_examples,
    latest_analyzer_cache,
    previous_statistics,
)
from tests.unit.lineage.making import PIPELINE, SERIES, folder_of, put_artifact, put_span


def mark_deleted(store: MetadataStore, artifact_id: int) -> None:
    [artifact] = store.get_artifacts_by_id([artifact_id])
    artifact.state = mlmd.Artifact.DELETED
    store.put_artifacts([artifact])


def test_an_empty_store_has_nothing(store: MetadataStore) -> None:
    assert blessed_examples(store, "key") is None
    assert previous_statistics(store, SERIES, 2) is None
    assert latest_analyzer_cache(store, PIPELINE) is None


def test_the_newest_blessed_examples_of_the_key_are_found(
    store: MetadataStore, tmp_path: Path
) -> None:
    put_span(store, tmp_path, 1, "key")
    newest, _ = put_span(store, tmp_path, 1, "key")
    put_span(store, tmp_path, 1, "other key", blessed=False)
    assert blessed_examples(store, "key") == newest
    assert blessed_examples(store, "no such key") is None


def test_the_newest_verdict_counts(store: MetadataStore, tmp_path: Path) -> None:
    put_span(store, tmp_path, 1, "key")
    put_span(store, tmp_path, 1, "key", blessed=False)
    assert blessed_examples(store, "key") is None
    again, _ = put_span(store, tmp_path, 1, "key")
    assert blessed_examples(store, "key") == again


def test_examples_without_files_are_not_in(store: MetadataStore, tmp_path: Path) -> None:
    older, _ = put_span(store, tmp_path, 1, "key")
    newer, _ = put_span(store, tmp_path, 1, "key")
    shutil.rmtree(folder_of(store, newer))
    assert blessed_examples(store, "key") == older
    mark_deleted(store, older)
    assert blessed_examples(store, "key") is None


def test_the_statistics_before_a_span_are_those_of_the_nearest_blessed_one(
    store: MetadataStore, tmp_path: Path
) -> None:
    _, third = put_span(store, tmp_path, 3, "three")
    _, first = put_span(store, tmp_path, 1, "one")
    put_span(store, tmp_path, 4, "four", blessed=False)
    assert [previous_statistics(store, SERIES, number) for number in (1, 2, 3, 4, 5)] == [
        None,
        first,
        first,
        third,
        third,
    ]
    _, again = put_span(store, tmp_path, 3, "three, in a new version")
    assert previous_statistics(store, SERIES, 5) == again
    assert previous_statistics(store, "taxi/month", 5) is None


def test_statistics_without_files_are_passed_over(store: MetadataStore, tmp_path: Path) -> None:
    _, first = put_span(store, tmp_path, 1, "one")
    _, second = put_span(store, tmp_path, 2, "two")
    shutil.rmtree(folder_of(store, second))
    assert previous_statistics(store, SERIES, 3) == first


def test_the_newest_analyzer_cache_with_files_is_found(
    store: MetadataStore, tmp_path: Path
) -> None:
    older, newer = (put_artifact(store, "TransformCache", tmp_path) for _ in range(2))
    assert latest_analyzer_cache(store, PIPELINE) == newer
    assert latest_analyzer_cache(store, "another") is None
    shutil.rmtree(folder_of(store, newer))
    assert latest_analyzer_cache(store, PIPELINE) == older
