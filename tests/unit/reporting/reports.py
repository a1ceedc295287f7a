"""Reports of gates as the artifacts hold them, and statistics as TFDV writes them."""

from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2

Report = dict[str, Any]
Kind = statistics_pb2.FeatureNameStatistics
MISSING_FARE: Report = {
    "feature": "fare",
    "kind": "SCHEMA_MISSING_COLUMN",
    "description": "Column is completely missing",
    "count": 830,
    "rows": 830,
    "values": [],
    "refuses": True,
    "examples": [],
}
FAR: Report = {
    "feature": "trip_miles",
    "kind": "ROWS_REFUSED",
    "description": "the value is not a number",
    "count": 3,
    "rows": 833,
    "values": ["far"],
    "refuses": True,
    "examples": [{"file": "part-7.csv", "row": "101", "value": "far"}],
}
DRIFTED: Report = {
    "feature": "tips",
    "kind": "DRIFT",
    "description": "0.241 from the span before",
    "count": 0,
    "rows": 0,
    "values": [],
    "refuses": False,
    "examples": [],
}


def data_report(span: int, *findings: Report) -> Report:
    return {
        "span": span,
        "version": 1,
        "blessed": not any(finding["refuses"] for finding in findings),
        "rows": {"eval": 174, "test": 152, "train": 504},
        "refused_rows": 3,
        "findings": list(findings),
        "drift": [
            distance("tips", "previous", 0.241, 0.2),
            distance("tips", "window", 0.1, 0.2),
            distance("company", "previous", 0.02, 0.25),
        ],
    }


def distance(feature: str, against: str, value: float, threshold: float) -> Report:
    return {
        "feature": feature,
        "against": against,
        "measure": "JENSEN_SHANNON_DIVERGENCE",
        "value": value,
        "threshold": threshold,
        "exceeded": value > threshold,
    }


def verdict(metric: str, *, passed: bool = True, **fields: Any) -> Report:
    return {"metric": metric, "passed": passed, "value": 0.95} | fields


def compared(on: str, *, passed: bool = True, decides: bool = True) -> Report:
    improvement = 0.0016 if passed else -0.0456
    return verdict(
        "log_loss",
        slice=on,
        margin=0.01,
        passed=passed,
        decides=decides,
        value=0.1921,
        baseline=0.1937,
        improvement=improvement,
        interval=[improvement - 0.0031, improvement + 0.0031],
        rows=2877,
        positives=626,
    )


def model_report(*verdicts: Report, baseline: bool = True) -> Report:
    estimate = {"value": 0.19, "low": 0.17, "high": 0.21}
    measured = {"log_loss": estimate, "auc": None}
    curves = {
        "roc": [[0.0, 0.0], [0.2, 0.9], [1.0, 1.0]],
        "calibration": [{"predicted": 0.2, "observed": 0.3, "low": 0.25, "high": 0.35, "rows": 10}],
    }
    bounds = (verdict("auc", at_least=0.93, value=0.9544),)
    if baseline:
        bounds += (compared("all rows"), compared("payment_type Cash", decides=False))
    parts = {"all rows": True, "payment_type Card": True, "payment_type Cash": False}
    found = [*bounds, *verdicts]
    return {
        "blessed": all(verdict["passed"] for verdict in found),
        "baseline_version": 1 if baseline else None,
        "candidate": {"auc": 0.9544, "calibration": None},
        "baseline": {"auc": 0.9539} if baseline else None,
        "verdicts": found,
        "slices": [
            {
                "name": name,
                "rows": 2877,
                "positives": 626,
                "decides": decides,
                "candidate": measured,
                "baseline": {"log_loss": None, "auc": None} if baseline else None,
            }
            for name, decides in parts.items()
        ],
        "curves": {"candidate": curves, "baseline": curves if baseline else None},
    }


def serving_report(*, slow: bool = False) -> Report:
    p95 = 140.0 if slow else 3.2
    return {
        "blessed": not slow,
        "server": "TensorFlow ModelServer: 2.19.1",
        "baseline_version": 1,
        "requests": 146,
        "rows": 384,
        "checks": [
            {"criterion": "answers as in training", "passed": True, "value": 0.0, "limit": 0.0,
             "detail": ""},
            {"criterion": "p95 of one row in milliseconds", "passed": not slow, "value": p95,
             "limit": 100.0, "detail": f"{p95} ms, and the budget is 100 ms" if slow else ""},
        ],
        "latency": {"serving_default": {"p50_ms": 2.1, "p95_ms": p95, "p99_ms": 160.0}},
        "memory_mb": 712.4,
        "load_seconds": 4.2,
        "signatures": {"raw": {"inputs": {"fare": "float32[?]"}, "outputs": {"p": "float32[?,1]"}}},
    }  # fmt: skip


def statistics(*names: str, rows: int = 504) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of numbers, of a text `payment_type`, and of one that is always missing."""
    found = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = found.datasets.add(num_examples=rows)
    for name in names:
        add_number(dataset, name, rows, [(low, low + 1, rows / 10) for low in range(10)])
    text = dataset.features.add(type=Kind.STRING)
    text.path.step.append("payment_type")
    text.string_stats.common_stats.num_non_missing = rows
    text.string_stats.unique = 2
    for value, frequency in (("Cash", 0.6 * rows), ("Card", 0.4 * rows)):
        text.string_stats.top_values.add(value=value, frequency=frequency)
    empty = dataset.features.add(type=Kind.STRING)
    empty.path.step.append("never_there")
    empty.string_stats.common_stats.num_missing = rows
    return found


def add_number(
    dataset: statistics_pb2.DatasetFeatureStatistics,
    name: str,
    rows: int,
    buckets: list[tuple[float, float, float]],
    quantiles: list[tuple[float, float, float]] = (),
    kind: int = Kind.FLOAT,
) -> None:
    feature = dataset.features.add(type=kind)
    feature.path.step.append(name)
    stats = feature.num_stats
    stats.common_stats.num_non_missing = rows
    stats.min, stats.max, stats.mean, stats.median = buckets[0][0], buckets[-1][1], 5, 5
    stats.std_dev = 1
    for kind_of_buckets, content in (
        (statistics_pb2.Histogram.STANDARD, buckets),
        (statistics_pb2.Histogram.QUANTILES, quantiles or buckets),
    ):
        histogram = stats.histograms.add(type=kind_of_buckets)
        for low, high, count in content:
            histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
