"""Validates a model with rows, and returns the report."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from evergreen.components.serving_validator.examination import examine
from evergreen.runs.reports.serving import Check, Criterion, Latency, ServingReport
from evergreen.serving.client.tensors import Tensors
from evergreen.serving.trial import checks
from evergreen.serving.trial.channels import Asking
from evergreen.serving.trial.contract import ANSWER, answer_faults
from evergreen.serving.trial.exported import (
    ExportedSignatures,
    InProcess,
    UnservableError,
    breaking_changes,
    read_signatures,
)
from evergreen.serving.trial.recorded import Request, record, write_requests
from evergreen.serving.trial.server import ModelServer
from evergreen.settings.gates import ServingCriteria
from evergreen.settings.task import Task


@dataclass(frozen=True)
class Baseline:
    """The serving version, with its signatures."""

    version: int
    signatures: ExportedSignatures


class Validation:
    """Collects the checks of one model."""

    def __init__(
        self,
        model: Path,
        criteria: ServingCriteria,
        server: ModelServer,
        about: str,
        task: Task = Task.BINARY,
        classes: int = 0,
    ) -> None:
        """Prepares the validation.

        Args:
            model: The folder of the SavedModel, to which the requests are added.
            criteria: The criteria.
            server: The model server.
            about: The server's version, for the report.
            task: The model's task.
            classes: The number of its classes.
        """
        self._task, self._classes = task, classes
        self._model, self._criteria, self._server, self._about = model, criteria, server, about
        self._checks: list[Check] = []
        self._signatures: ExportedSignatures = {}
        self._requests: dict[str, list[Request]] = {}
        self._answers: dict[str, list[Tensors]] = {}
        self._latency: dict[str, Latency] = {}

    def __call__(
        self,
        rows: Sequence[tf.train.Example],
        features: set[str],
        model_name: str,
        baseline: Baseline | None,
    ) -> ServingReport:
        """Checks everything that can be checked; faults go into the report.

        Args:
            rows: Rows with only the features of a request.
            features: The names that a request may have.
            model_name: The served name of the model.
            baseline: The serving version, if there is one.
        """
        try:
            self._signatures = read_signatures(self._model)
        except UnservableError as error:
            self._add(checks.none_of(Criterion(kind="read"), [str(error)]))
            return self._report(len(rows), baseline)
        self._check_answer()
        self._compare_signatures(baseline)
        self._record(rows, features, model_name)
        if loaded := self._load():
            for name in self._requests:
                self._examine(name, *loaded, len(rows))
            self._compare_answers()
            memory, limit = self._server.memory_mb, self._criteria.memory_mb
            self._add(checks.within(Criterion(kind="memory"), memory, limit))
        return self._report(len(rows), baseline)

    def _check_answer(self) -> None:
        """Checks the answer in the words of the contract with the other gates."""
        if signature := self._signatures.get(ANSWER):
            faults = answer_faults(signature, self._task, self._classes)
            self._add(checks.none_of(Criterion(kind="task", signature=ANSWER), faults))

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
            self._add(checks.none_of(Criterion(kind="requests", signature=name), faults))
        requests = [request for asked in self._requests.values() for request in asked]
        write_requests(self._model, requests, model_name)

    def _requests_to(
        self, name: str, rows: Sequence[tf.train.Example], features: set[str]
    ) -> list[Request]:
        if name not in self._signatures:
            raise UnservableError("the model has no such signature")
        return record(rows, name, self._signatures[name], features, self._criteria.batch_sizes)

    def _load(self) -> tuple[InProcess, Asking] | None:
        """Loads the model here and in the server at once; None if either fails."""
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(InProcess, self._model)
            asking = self._serve()
        try:
            here = loading.result()
        except UnservableError as error:
            if asking:
                self._add(checks.none_of(Criterion(kind="loads here"), [str(error)]))
            return None
        asking = asking or self._serve_cold()
        return (here, asking) if asking else None

    def _serve(self) -> Asking | None:
        criterion, limit = Criterion(kind="load seconds"), self._criteria.load_seconds
        try:
            asking = self._server.load(self._model, self._signatures)
        except UnservableError as error:
            self._add(checks.within(criterion, None, limit, [str(error)]))
            return None
        self._add(checks.within(criterion, self._server.load_seconds, limit))
        return asking

    def _serve_cold(self) -> Asking | None:
        """Serves a model that fails its warm-up without it, to find further faults."""
        try:
            return self._server.load_cold(self._model, self._signatures)
        except UnservableError:
            return None  # the reason is in the report

    def _examine(self, name: str, here: InProcess, asking: Asking, rows: int) -> None:
        signature, requests = self._signatures[name], self._requests[name]
        found = examine(name, signature, requests, rows, here, asking, self._criteria)
        self._checks += found.checks
        if found.answers:
            self._answers[name] = found.answers
        if found.latency:
            self._latency[name] = found.latency

    def _compare_answers(self) -> None:
        for name in list(self._answers)[1:]:
            first = next(iter(self._answers))
            answers, other = self._answers[name], self._answers[first]
            criterion = Criterion(kind="as signature", signature=name, other=first)
            self._add(checks.same(criterion, answers, other, self._criteria.tolerance))

    def _add(self, check: Check) -> None:
        self._checks.append(check)

    def _report(self, rows: int, baseline: Baseline | None) -> ServingReport:
        return ServingReport(
            blessed=all(check.passed for check in self._checks),
            server=self._about,
            baseline_version=baseline.version if baseline else None,
            requests=sum(map(len, self._requests.values())),
            rows=rows,
            checks=tuple(self._checks),
            latency=self._latency,
            memory_mb=self._server.memory_mb,
            load_seconds=self._server.load_seconds,
            signatures={name: signature.to_text() for name, signature in self._signatures.items()},
        )
