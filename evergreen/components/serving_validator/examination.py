"""Examines one signature of a served model: its answers by gRPC, by REST and in this process."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from evergreen.runs.reports.serving import Check, Criterion, Latency
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.trial import checks
from evergreen.serving.trial.channels import Asking
from evergreen.serving.trial.exported import ExportedSignature, InProcess, Predict, UnservableError
from evergreen.serving.trial.recorded import Replay, Request, measure, replay
from evergreen.settings.gates import ServingCriteria


@dataclass
class Examination:
    """The results of an examination.

    Attributes:
        checks: All verdicts.
        answers: The answers over gRPC, one per request; empty unless all are there and well-formed.
        latency: The latency over gRPC of requests with one row; None if it could not be measured.
    """

    checks: list[Check] = field(default_factory=list)
    answers: list[Tensors] = field(default_factory=list)
    latency: Latency | None = None


def examine(
    name: str,
    signature: ExportedSignature,
    requests: Sequence[Request],
    rows: int,
    here: InProcess,
    asking: Asking,
    criteria: ServingCriteria,
) -> Examination:
    """Sends requests to the server, and to this process only those that the server survived.

    Args:
        name: The signature's name.
        signature: Its declaration.
        requests: All rows alone, then in the other batch sizes.
        rows: The number of rows.
        here: The model in this process.
        asking: The served model.
        criteria: The criteria.
    """
    findings = Examination()
    given = replay(asking.by_grpc, requests)
    findings.checks.append(_answered(name, "gRPC", given, requests))
    if not given.answers:
        return findings
    formed = checks.well_formed(name, given.answers, requests, signature)
    findings.checks += [formed, checks.finite(name, given.answers)]
    if given.fault or not formed.passed:
        return findings
    findings.answers = given.answers
    expected, tolerance = replay(here.predict, requests), criteria.tolerance
    findings.checks.append(_as_here(name, "gRPC", given, expected, tolerance))
    apart = checks.batches_apart(given.answers, signature, rows)
    batches = Criterion(kind="batches", signature=name)
    findings.checks.append(checks.within(batches, apart, tolerance))
    for format_, predict in _rest(asking, signature).items():
        given = replay(predict, requests)
        findings.checks.append(_answered(name, format_, given, requests))
        if not given.fault:
            findings.checks.append(_as_here(name, format_, given, expected, tolerance))
    _measure(name, asking, requests[:rows], criteria, findings)
    return findings


def _rest(asking: Asking, signature: ExportedSignature) -> dict[str, Predict]:
    """Returns the REST formats that the signature supports."""
    formats: dict[str, Predict] = {"REST by columns": asking.by_rest}
    if checks.are_by_row(signature):
        formats["REST by rows"] = asking.by_rest_rows
    return formats


def _answered(name: str, way: str, given: Replay, requests: Sequence[Request]) -> Check:
    criterion = Criterion(kind="answered", signature=name, way=way)
    return checks.answered(criterion, given, requests)


def _as_here(name: str, way: str, given: Replay, expected: Replay, tolerance: float) -> Check:
    criterion = Criterion(kind="as here", signature=name, way=way)
    if expected.fault:
        return checks.none_of(criterion, [expected.fault])
    return checks.same(criterion, given.answers, expected.answers, tolerance)


def _measure(
    name: str,
    asking: Asking,
    requests: Sequence[Request],
    criteria: ServingCriteria,
    findings: Examination,
) -> None:
    criterion, limit = Criterion(kind="latency", signature=name), criteria.p95_ms
    try:
        findings.latency = measure(asking.by_grpc, requests)
    except UnservableError as error:
        findings.checks.append(checks.within(criterion, None, limit, [str(error)]))
    else:
        findings.checks.append(checks.within(criterion, findings.latency.p95_ms, limit))
