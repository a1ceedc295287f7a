"""Finds whole numbers at the end of 64 bits, which TFDV 1.16 misses.

TFDV's statistics hold the largest value as a float64. 2^63 - 1, which means "missing" in some
systems, becomes 2^63, which becomes -2^63 when compared with the domain, so that no value is too
big. This can go when TFDV compares the float64 itself.
"""

from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

Kind = anomalies_pb2.AnomalyInfo
LIMIT = 2.0**63


def add_overflows(
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatistics],
    schema: schema_pb2.Schema,
) -> Mapping[str, anomalies_pb2.Anomalies]:
    """Adds anomalies for features whose largest value TFDV misread as small.

    Args:
        anomalies: ExampleValidator's anomalies, by split.
        statistics: The statistics it checked, by split.
        schema: The schema.
    """
    bounded = {feature.name for feature in schema.feature if feature.int_domain.HasField("max")}
    for split, dataset in statistics.items():
        for feature in dataset.features:
            name = ".".join(feature.path.step)
            is_int = feature.type == statistics_pb2.FeatureNameStatistics.INT
            if name in bounded and is_int and feature.num_stats.max >= LIMIT:
                info = anomalies[split].anomaly_info[name]
                info.path.CopyFrom(feature.path)
                info.reason.add(type=Kind.INT_TYPE_BIG_INT, description="the largest of 64 bits")
    return anomalies
