"""Reads the outputs of the nodes before the data gate."""

from pathlib import Path

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils, standard_artifacts

from evergreen.quality import schema


def load_schema(artifact: standard_artifacts.Schema) -> schema_pb2.Schema:
    """Returns the schema of an artifact."""
    return schema.load_schema(Path(artifact.uri, "schema.pbtxt"))


def load_statistics(
    artifact: standard_artifacts.ExampleStatistics, split: str
) -> statistics_pb2.DatasetFeatureStatistics:
    """Returns the statistics of a split."""
    return stats_artifact_utils.load_statistics(artifact, split).proto().datasets[0]


def load_anomalies(
    artifact: standard_artifacts.ExampleAnomalies,
) -> dict[str, anomalies_pb2.Anomalies]:
    """Returns the anomalies of an artifact by split."""
    return {
        split: anomalies_pb2.Anomalies.FromString(
            Path(artifact.uri, f"Split-{split}", "SchemaDiff.pb").read_bytes()
        )
        for split in artifact_utils.decode_split_names(artifact.split_names)
    }
