"""Makes the checks of the validator's report."""

import math
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from evergreen.runs.reports.serving import Check, Criterion
from evergreen.serving.client.tensors import Array, Tensors
from evergreen.serving.trial.exported import ExportedSignature, ExportedTensor
from evergreen.serving.trial.recorded import Replay, Request

SHOWN = 3  # faults of a check


def within(
    criterion: Criterion, value: float | None, limit: float, faults: Sequence[str] = ()
) -> Check:
    """Checks a value against an upper limit; a missing value does not pass."""
    known = value is not None and math.isfinite(value)
    passed = value is not None and known and value <= limit
    return Check(
        of=criterion,
        passed=passed,
        value=value if known else None,
        limit=limit,
        faults=tuple(faults),
    )


def none_of(criterion: Criterion, faults: Iterable[str]) -> Check:
    """Checks that there are no faults; names the first few."""
    found = list(faults)
    return within(criterion, len(found), 0, found[:SHOWN])


def compatible(changes: Sequence[str], version: int, may_break: int | None) -> Check:
    """Checks that no client of the serving version breaks, or that the break is declared.

    Args:
        changes: The breaking changes.
        version: The serving version.
        may_break: The version whose clients may break, as declared.
    """
    check = none_of(Criterion(kind="clients", version=version), changes)
    return check.model_copy(update={"passed": check.passed or may_break == version})


def answered(criterion: Criterion, found: Replay, requests: Sequence[Request]) -> Check:
    """Checks that all requests were answered."""
    return Check(
        of=criterion,
        passed=not found.fault,
        value=len(found.answers),
        limit=len(requests),
        faults=(found.fault,) if found.fault else (),
    )


def well_formed(
    name: str, answers: Sequence[Tensors], requests: Sequence[Request], signature: ExportedSignature
) -> Check:
    """Checks names, dtypes and shapes of all answers of a signature against its declaration."""
    faults = (
        f"request {number}: {fault}"
        for number, (answer, request) in enumerate(zip(answers, requests, strict=False), start=1)
        for fault in _form_faults(answer, signature, _rows(request))
    )
    return none_of(Criterion(kind="well-formed", signature=name), faults)


def finite(name: str, answers: Sequence[Tensors]) -> Check:
    """Checks that all numbers of all answers of a signature are finite."""
    faults = (
        f"request {number}: {output} holds {values[~np.isfinite(values)].flat[0]}"
        for number, answer in enumerate(answers, start=1)
        for output, values in sorted(answer.items())
        if values.dtype.kind == "f" and not np.isfinite(values).all()
    )
    return none_of(Criterion(kind="finite", signature=name), faults)


def same(
    criterion: Criterion, answers: Sequence[Tensors], others: Sequence[Tensors], tolerance: float
) -> Check:
    """Checks that two models, or two ways to ask one, agree in their common outputs."""
    pairs = zip(answers, others, strict=True)
    worst = max((distance(answer, other) for answer, other in pairs), default=math.inf)
    return within(criterion, worst, tolerance)


def distance(answer: Tensors, other: Tensors) -> float:
    """Returns the distance of the most different numbers of two answers.

    Returns:
        |a - b| / max(1, |b|); infinity if answers have no common output, or differ in shape, dtype,
        or values other than floating-point numbers. NaN equals NaN.
    """
    shared = answer.keys() & other.keys()
    return max((_distance(answer[name], other[name]) for name in shared), default=math.inf)


def batches_apart(answers: Sequence[Tensors], signature: ExportedSignature, rows: int) -> float:
    """Returns how far answers in batches are from the answers to the same rows alone.

    Args:
        answers: Well-formed answers: to all rows alone, then to all rows in the next batch size,
            and so on.
        signature: Its outputs without one value of a fixed shape per row are left out.
        rows: The number of rows.
    """
    distances = [0.0]
    for name in (name for name, spec in signature.outputs.items() if _is_by_row(spec)):
        values = np.concatenate([answer[name] for answer in answers])
        alone, *batches = np.split(values, len(values) // rows)
        distances += [_distance(batch, alone) for batch in batches]
    return max(distances)


def are_by_row(signature: ExportedSignature) -> bool:
    """Returns whether all inputs and outputs have one value per row, as REST's row format needs."""
    specs = [*signature.inputs.values(), *signature.outputs.values()]
    return all(spec.shape is not None and spec.shape[:1] == (None,) for spec in specs)


def _is_by_row(spec: ExportedTensor) -> bool:
    return spec.shape is not None and spec.shape[:1] == (None,) and None not in spec.shape[1:]


def _distance(array: Array, other: Array) -> float:
    if array.shape != other.shape or array.dtype != other.dtype:
        return math.inf
    if array.dtype.kind != "f":
        return 0.0 if np.array_equal(array, other) else math.inf
    a, b = array.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.abs(a - b) / np.maximum(1.0, np.abs(b))
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    return float(np.where(equal, 0.0, np.nan_to_num(apart, nan=math.inf)).max(initial=0.0))


def _form_faults(answer: Tensors, signature: ExportedSignature, rows: int) -> Iterator[str]:
    if answer.keys() != signature.outputs.keys():
        yield f"outputs are {', '.join(sorted(answer))}"
        return
    for name, spec in sorted(signature.outputs.items()):
        values = answer[name]
        if values.dtype != np.dtype(spec.dtype.as_numpy_dtype):
            yield f"{name} is {values.dtype}, not {spec.dtype.name}"
        # The first variable size is the number of rows.
        sizes = spec.shape and (rows if spec.shape[0] is None else spec.shape[0], *spec.shape[1:])
        if sizes is not None and not _fits(values.shape, sizes):
            yield f"{name} has the shape {list(values.shape)} for {rows} rows, not {spec}"


def _fits(shape: tuple[int, ...], sizes: tuple[int | None, ...]) -> bool:
    return len(shape) == len(sizes) and all(
        size in (None, length) for length, size in zip(shape, sizes, strict=True)
    )


def _rows(request: Request) -> int:
    return len(next(iter(request.inputs.values())))
