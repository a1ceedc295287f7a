"""What a run trains on, compares with and makes: in the same words wherever runs are shown."""

from evergreen.runs.plan import RunRecord, SpanRef

INGESTS = "nothing: only ingested"


def trained_on(record: RunRecord) -> str:
    """Returns the spans that a run trains on."""
    return f"spans {', '.join(map(named, record.window))}" if record.request.train else INGESTS


def named(span: SpanRef) -> str:
    """Returns a span's number, and its version if it is not the first."""
    return f"{span.number}" + (f" (version {span.version})" if span.version > 1 else "")


def baseline(record: RunRecord) -> str:
    """Returns what the run's candidate is compared with."""
    if not record.request.train:
        return INGESTS
    return f"version {record.baseline.version}" if record.baseline else "none was serving"


def version(record: RunRecord) -> str:
    """Returns the version that a run pushes if it passes the gates."""
    if record.model_version:
        return str(record.model_version)
    return "none: an experiment" if record.request.train else INGESTS
