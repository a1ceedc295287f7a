"""Dispatches requests of both APIs: routes, measures, copies and logs them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import grpc

from evergreen.serving.gateway.access import Doorman
from evergreen.serving.gateway.backend import Answer, Backend
from evergreen.serving.gateway.memory import Budget, OverBudgetError
from evergreen.serving.gateway.metrics import Metrics
from evergreen.serving.gateway.prediction_log.entries import Entry
from evergreen.serving.gateway.prediction_log.recorder import Recorder
from evergreen.serving.gateway.rollout import Rollout
from evergreen.serving.gateway.routing import DIRECT, Arm, Route
from evergreen.settings.gateway import CanarySettings

log = logging.getLogger(__name__)
Code = grpc.StatusCode
Send = Callable[[int | None], Awaitable[Answer]]
"""Sends a request to a version; None for the version that the request names."""


class Question(NamedTuple):
    """A request.

    Attributes:
        request_id: The client's id, or the gateway's.
        api: `Predict`, ..., `REST predict`, ...
        body: The body as received.
        is_open: Whether it leaves the version to the gateway.
        is_prediction: Whether it counts for a canary, and is logged.
        key: The client's key in an A/B test; empty for none.
        path: The path of a REST request.
    """

    request_id: str
    api: str
    body: bytes
    is_open: bool
    is_prediction: bool
    key: str = ""
    path: str = ""


@dataclass(eq=False)
class Dispatcher:
    """Sends requests to versions.

    Args:
        rollout: Chooses the versions.
        metrics: Counts requests and answers.
        recorder: Logs predictions.
        refresh: Updates the list of loaded versions at once.
        canary: The settings of canaries.
        budget: The budget of bytes in flight, including copies.
    """

    _rollout: Rollout
    _metrics: Metrics
    _recorder: Recorder
    _refresh: Callable[[], Awaitable[None]]
    _canary: CanarySettings
    _budget: Budget
    _shadows: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def sticky(self) -> str:
        """The name of the header or metadata that identifies clients in an A/B test."""
        return self._canary.sticky_header

    async def answer(self, question: Question, send: Send) -> tuple[Route, Answer]:
        """Returns the answer, and its route."""
        route = self._route(question)
        answer = await self._ask(question, route, send)
        if answer.code is Code.NOT_FOUND and route.arm is not Arm.DIRECT:
            # The version was unloaded meanwhile: the now serving version answers.
            await self._refresh()
            route = Route(Arm.STABLE, self._rollout.targets.stable)
            answer = await self._ask(question, route, send)
        if route.arm is Arm.STABLE and question.is_prediction:
            self._copy(question, send)
        return route, answer

    async def close(self, seconds: float | None = None) -> None:
        """Waits for the copies in flight.

        Args:
            seconds: The time after which they are cancelled, since nobody needs their answers.
        """
        if self._shadows:
            _, late = await asyncio.wait(self._shadows, timeout=seconds)
            for task in late:
                task.cancel()

    def _route(self, question: Question) -> Route:
        if not question.is_open:
            return DIRECT
        if not question.is_prediction:
            return Route(Arm.STABLE, self._rollout.targets.stable)
        return self._rollout.route(question.key)

    async def _ask(self, question: Question, route: Route, send: Send) -> Answer:
        if route.version is None and route.arm is not Arm.DIRECT:
            return Answer(Code.UNAVAILABLE, message="No version of the model is serving.")
        start = time.perf_counter()
        answer = await send(route.version)
        seconds = time.perf_counter() - start
        self._metrics.answered(route, question.api, answer.code.name, seconds)
        if question.is_prediction:
            self._observe(route, answer, seconds)
            if answer.code is Code.OK:
                self._record(question, route, answer)
        return answer

    def _observe(self, route: Route, answer: Answer, seconds: float) -> None:
        """Counts a version's answer for or against it.

        Client errors count too: a canary that takes other inputs fails requests that the stable
        version answers, while genuine client errors fail on both.
        """
        is_its_own = not answer.is_gone and answer.code not in {Code.NOT_FOUND, Code.CANCELLED}
        if route.version is not None and is_its_own:
            self._rollout.observe(route.version, answer.code is Code.OK, seconds)

    def _record(self, question: Question, route: Route, answer: Answer) -> None:
        self._recorder.offer(
            Entry(
                request_id=question.request_id,
                time=time.time(),
                arm=route.arm,
                version=route.version,
                api=question.api,
                path=question.path,
                request=question.body,
                response=answer.body,
            )
        )

    def _copy(self, question: Question, send: Send) -> None:
        route = self._rollout.shadow()
        if route is None:
            return
        if len(self._shadows) >= self._canary.shadow_limit:
            self._metrics.shadows_dropped.inc()
            return
        task = asyncio.create_task(self._ask_quietly(question, route, send))
        self._shadows.add(task)
        task.add_done_callback(self._shadows.discard)

    async def _ask_quietly(self, question: Question, route: Route, send: Send) -> None:
        try:
            with self._budget.share() as share:
                share.add(len(question.body))
                await self._ask(question, route, send)
        except OverBudgetError:
            self._metrics.shadows_dropped.inc()
        except Exception:  # nobody waits for a copy
            log.exception("a copy for version %s", route.version)


@dataclass(frozen=True)
class Forwarding:
    """What both APIs need to forward requests.

    Attributes:
        dispatchers: Choose the versions, by model; other requests pass through the first.
        backend: Receives the requests.
        doorman: Checks access, and limits the bytes in flight.
    """

    dispatchers: Mapping[str, Dispatcher]
    backend: Backend
    doorman: Doorman

    def of(self, model: str) -> tuple[Dispatcher, bool]:
        """Returns the dispatcher of requests for a model, and whether it chooses its versions."""
        found = self.dispatchers.get(model)
        return found or next(iter(self.dispatchers.values())), found is not None
