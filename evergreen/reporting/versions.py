"""Compares two model versions: their history, and the runs that made them."""

import os
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore

from evergreen.lineage.reader import Lineage
from evergreen.lineage.stages import Stage
from evergreen.lineage.views import VersionView
from evergreen.reporting.comparison import Comparison, Difference, Value, compare, pair
from evergreen.runs.plan import Frozen
from evergreen.settings import Settings
from evergreen.texts import moment

MIB = 2**20


class VersionDiff(Frozen):
    """A comparison of two versions.

    Attributes:
        one: The number of the first version.
        other: The number of the second version.
        registry: Facts from the registry and the pushed files, by name.
        runs: The runs that made them; None if one of the versions has no run.
    """

    one: int
    other: int
    registry: tuple[Difference, ...]
    runs: Comparison | None


def diff(settings: Settings, store: MetadataStore, first: int, other: int) -> VersionDiff:
    """Compares two versions of the project's model.

    Raises:
        RegistryError: If there is no such version.
    """
    lineage, base_path = Lineage(store, settings.model.name), settings.serving.base_path
    versions = lineage.version(first), lineage.version(other)
    ids = [lineage.run_of(version) for version in versions]
    facts = [
        _facts(version, run, version.folder(base_path))
        for version, run in zip(versions, ids, strict=True)
    ]
    runs = [lineage.record(run) for run in ids if run]
    both = len(runs) == len(ids)
    return VersionDiff(
        one=first,
        other=other,
        registry=pair(*facts),
        runs=compare(store, *runs) if both else None,
    )


def _facts(version: VersionView, run_id: str, folder: Path) -> dict[str, Value]:
    entered = version.events[0] if version.events else None
    served = [stay for stay in version.stays if stay.stage is Stage.SERVING]
    return {
        "stage": version.stage or "never registered",
        "run": run_id or None,
        "artifact": str(version.artifact_id) if version.artifact_id else None,
        "registered": moment(entered.when) if entered else None,
        "by": entered.who if entered else None,
        "because": entered.why if entered else None,
        "served first": moment(served[0].event.when) if served else None,
        "events": float(len(version.events)),
        "MiB of files": _mebibytes(folder) if version.path else None,
    }


def _mebibytes(folder: Path) -> float | None:
    # os.walk skips what cannot be read, such as names that are too long.
    found = [Path(at, name) for at, _, names in os.walk(folder) for name in names]
    return round(sum(path.lstat().st_size for path in found) / MIB, 2) if found else None
