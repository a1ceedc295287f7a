"""From a model and rows to the report on how it serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from evergreen.components.serving_validator import answers, checks
from evergreen.components.serving_validator.checks import Check
from evergreen.components.serving_validator.criteria import ServingCriteria
from evergreen.components.serving_validator.recording import Request, record, write_requests
from evergreen.components.serving_validator.replay import Latency, measure, replay
from evergreen.components.serving_validator.report import Report
from evergreen.components.serving_validator.served import (
    InProcess,
    ServedModel,
    Tensors,
    UnservableError,
)
from evergreen.components.serving_validator.signatures import (
    Signatures,
    breaking_changes,
    read_signatures,
)


@dataclass(frozen=True)
class Baseline:
    """The serving version, and what its clients ask."""

    version: int
    signatures: Signatures


class Validation:
    """Collects the checks of one model."""

    def __init__(self, model: Path, criteria: ServingCriteria, served: ServedModel) -> None:
        """Prepares the validation.

        Args:
            model: The folder of the SavedModel; the requests are written into it.
            criteria: What it is held to.
            served: The same model in a fresh process.
        """
        self._model, self._criteria, self._served = model, criteria, served
        self._checks: list[Check] = []
        self._signatures: Signatures = {}
        self._requests: dict[str, list[Request]] = {}
        self._answers: dict[str, list[Tensors]] = {}
        self._latency: dict[str, Latency] = {}

    def __call__(
        self,
        rows: Sequence[tf.train.Example],
        features: set[str],
        model_name: str,
        baseline: Baseline | None,
    ) -> Report:
        """Checks everything that can be checked; what is wrong stands in the report.

        Args:
            rows: To ask about, with the features of a request alone.
            features: The names that a request may have.
            model_name: The name that clients call the model by.
            baseline: The serving version, if there is one.
        """
        try:
            self._signatures = read_signatures(self._model)
        except UnservableError as error:
            self._add(checks.none_of("the SavedModel can be read", [str(error)]))
            return self._report(len(rows), baseline)
        self._compare_signatures(baseline)
        self._record(rows, features, model_name)
        here = self._load()
        if here:
            for name in self._requests:
                self._ask(name, here, len(rows))
            self._compare_answers()
            memory = self._served.memory_mb
            limit = self._criteria.memory_mb
            self._add(checks.within("memory of the fresh process in MB", memory, limit))
        return self._report(len(rows), baseline)

    def _compare_signatures(self, baseline: Baseline | None) -> None:
        if baseline:
            changes = breaking_changes(baseline.signatures, self._signatures)
            may_break = self._criteria.may_break
            self._add(checks.compatible(changes, baseline.version, may_break))

    def _record(
        self, rows: Sequence[tf.train.Example], features: set[str], model_name: str
    ) -> None:
        for name in self._criteria.signatures:
            faults = []
            try:
                self._requests[name] = self._requests_to(name, rows, features)
            except UnservableError as error:
                faults = [str(error)]
            self._add(checks.none_of(f"{name}: requests can be made from test rows", faults))
        requests = [request for asked in self._requests.values() for request in asked]
        write_requests(self._model, requests, model_name)

    def _requests_to(
        self, name: str, rows: Sequence[tf.train.Example], features: set[str]
    ) -> list[Request]:
        if name not in self._signatures:
            raise UnservableError("the model has no such signature")
        return record(rows, name, self._signatures[name], features, self._criteria.batch_sizes)

    def _load(self) -> InProcess | None:
        """Loads the model here while the fresh process does; None if one of them cannot."""
        criterion, limit = "seconds to load in a fresh process", self._criteria.load_seconds
        try:
            here = InProcess(self._model)
            self._served.wait_until_loaded()
        except UnservableError as error:
            self._add(checks.within(criterion, None, limit, str(error)))
            return None
        self._add(checks.within(criterion, self._served.load_seconds, limit))
        return here

    def _ask(self, name: str, here: InProcess, rows: int) -> None:
        """Asks the fresh process, and this one only what that one has survived."""
        requests, tolerance = self._requests[name], self._criteria.tolerance
        found = replay(self._served.predict, requests)
        self._add(answers.answered(name, found, requests))
        if not found.answers:
            return
        formed = answers.well_formed(name, found.answers, requests, self._signatures[name])
        self._add(formed)
        self._add(answers.finite(name, found.answers))
        if found.fault or not formed.passed:
            return
        self._answers[name] = found.answers
        self._add(self._as_here(name, here, found.answers))
        apart = answers.batches_apart(found.answers, self._signatures[name], rows)
        self._add(checks.within(f"{name}: rows alone as in batches", apart, tolerance))
        self._measure(name, requests[:rows])

    def _as_here(self, name: str, here: InProcess, there: Sequence[Tensors]) -> Check:
        criterion = f"{name}: answers as in this process"
        expected = replay(here.predict, self._requests[name])
        if expected.fault:
            return checks.none_of(criterion, [expected.fault])
        return answers.same(criterion, there, expected.answers, self._criteria.tolerance)

    def _measure(self, name: str, requests: Sequence[Request]) -> None:
        criterion, limit = f"{name}: p95 of one row in ms", self._criteria.p95_ms
        try:
            latency = self._latency[name] = measure(self._served.predict, requests)
        except UnservableError as error:
            self._add(checks.within(criterion, None, limit, str(error)))
        else:
            self._add(checks.within(criterion, latency.p95_ms, limit))

    def _compare_answers(self) -> None:
        for name in list(self._answers)[1:]:
            first = next(iter(self._answers))
            one, other = self._answers[name], self._answers[first]
            criterion = f"{name}: answers as {first}"
            self._add(answers.same(criterion, one, other, self._criteria.tolerance))

    def _add(self, check: Check) -> None:
        self._checks.append(check)

    def _report(self, rows: int, baseline: Baseline | None) -> Report:
        return Report(
            blessed=all(check.passed for check in self._checks),
            baseline_version=baseline.version if baseline else None,
            requests=sum(map(len, self._requests.values())),
            rows=rows,
            checks=tuple(self._checks),
            latency=self._latency,
            memory_mb=self._served.memory_mb,
            load_seconds=self._served.load_seconds,
            signatures={name: one.to_text() for name, one in self._signatures.items()},
        )
