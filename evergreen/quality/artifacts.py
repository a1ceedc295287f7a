"""Reads what TFX's nodes write of data: statistics and anomalies; damaged files are named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from evergreen.errors import EvergreenError
from evergreen.texts import visible


def load_statistics(folder: Path, split: str) -> Any:
    """Returns the `DatasetFeatureStatistics` of a split of a statistics artifact, or None.

    Args:
        folder: The folder of the ExampleStatistics artifact.
        split: The name of the split.

    Raises:
        EvergreenError: If its file is damaged.
    """
    file = folder / f"Split-{split}" / "FeatureStats.pb"
    if not file.is_file():
        return None
    content = parse_file(file, statistics_pb2.DatasetFeatureStatisticsList.FromString)
    return content.datasets[0] if content.datasets else None


def load_anomalies(folder: Path) -> dict[str, anomalies_pb2.Anomalies]:
    """Returns the `Anomalies` of each split of an ExampleAnomalies artifact.

    Raises:
        EvergreenError: If a file is damaged, or gone.
    """
    parse = anomalies_pb2.Anomalies.FromString
    return {
        path.name.removeprefix("Split-"): parse_file(path / "SchemaDiff.pb", parse)
        for path in sorted(folder.glob("Split-*"))
    }


def parse_file(file: Path, parse: Callable[[bytes], Any]) -> Any:
    """Returns what a parser makes of a file's bytes.

    Raises:
        EvergreenError: If the file is damaged, or gone.
    """
    try:
        return parse(file.read_bytes())
    except (OSError, ValueError, DecodeError) as error:
        raise EvergreenError(
            f"{file} cannot be read: {visible(str(error))}",
            hint="It is damaged, or was removed. What else is: evergreen doctor",
        ) from error
