"""The rollout of a canary: its share step by step, and its end."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from evergreen.serving.gateway.comparison import CanaryDifference, NewestAnswers, judge
from evergreen.serving.gateway.registry import CanaryDecision, CanaryVerdict, Targets
from evergreen.serving.gateway.routing import Arm, Route, position
from evergreen.settings.gateway import CanarySettings, LimitSettings

PERCENT = 100


@dataclass
class Progress:
    """The progress of a canary.

    Attributes:
        version: The canary.
        since: The time when the step began, by the clock.
        step: Index of the step.
        count: The canary's number of answers when the step began.
        read: The number of them whose outputs had been evaluated.
        looks: The number of times it was judged.
        rejected: The decision against it, if there is one.
    """

    version: int
    since: float
    step: int = 0
    count: int = 0
    read: int = 0
    looks: int = 0
    rejected: CanaryDecision | None = None


@dataclass(eq=False)
class Rollout:
    """Splits requests between stable version and canary, and decides when a canary ends.

    Args:
        experiment: A name, so that the same clients are not first in every experiment.
        canary: The steps and their durations.
        limits: How much worse a canary may be.
        clock: Monotonic seconds.
        chances: Chooses for requests without a sticky key.
    """

    _experiment: str
    _canary: CanarySettings
    _limits: LimitSettings
    _clock: Callable[[], float]
    _chances: random.Random
    _usable: Targets = field(default_factory=Targets)
    _windows: dict[int, NewestAnswers] = field(default_factory=dict)
    _progress: Progress | None = None

    def assign(self, targets: Targets, canary: int | None) -> None:
        """Updates the existing versions.

        Args:
            targets: The versions that can answer.
            canary: The registry's canary, even if it cannot answer now.
        """
        self._usable = targets
        if canary is None:
            self._progress = None
        elif self._progress is None or self._progress.version != canary:
            self._progress = Progress(canary, self._clock())
            # Older answers come from other traffic, so they do not count. They are kept if the
            # stable version gets no more requests.
            if self._canary.steps[0] < PERCENT:
                self._windows = {}
        wanted = {targets.stable, canary} - {None}
        size = self._limits.window
        self._windows = {
            version: self._windows.get(version) or NewestAnswers(size)
            for version in wanted
            if version is not None
        }

    @property
    def targets(self) -> Targets:
        """The versions that get requests now."""
        rejected = self._progress is not None and self._progress.rejected is not None
        return Targets(self._usable.stable, None) if rejected else self._usable

    @property
    def share(self) -> float:
        """The canary's share of the requests, 0 to 1."""
        if self._progress is None or self.targets.canary is None:
            return 0.0
        return self._canary.steps[self._progress.step] / PERCENT

    def route(self, key: str) -> Route:
        """Returns the route of a request.

        Args:
            key: Equal keys get the same version; empty for none.
        """
        stable, canary = self.targets
        if canary is None:
            return Route(Arm.STABLE, stable)
        place = position(key, self._experiment, canary) if key else self._chances.random()
        return Route(Arm.CANARY, canary) if place < self.share else Route(Arm.STABLE, stable)

    def shadow(self) -> Route | None:
        """Returns the route of a copy of a request to the stable version, if there is one."""
        canary = self.targets.canary
        if canary is None or self._chances.random() * PERCENT >= self._canary.shadow_percent:
            return None
        return Route(Arm.SHADOW, canary)

    def observe(self, version: int, ok: bool, seconds: float) -> None:
        """Counts an answer."""
        if version in self._windows:
            self._windows[version].add(ok, seconds)

    def observe_outputs(self, version: int, values: Mapping[str, float]) -> None:
        """Adds the outputs of an answer."""
        if version in self._windows:
            self._windows[version].add_outputs(values)

    def decide(self) -> CanaryDecision | None:
        """Rejects or promotes the canary, or takes its next step; called repeatedly.

        Returns:
            The decision, until `assign` shows that it was carried out; None if there is none yet.
        """
        progress, (stable, canary) = self._progress, self._usable
        if progress is None or canary != progress.version or stable is None:
            return None
        if progress.rejected is None:
            before, after = self._windows[stable], self._windows[canary]
            progress.rejected = self._look(progress, before, after)
            if progress.rejected is None:
                return self._advance(progress, before, after)
        return progress.rejected

    def _look(
        self, progress: Progress, stable: NewestAnswers, canary: NewestAnswers
    ) -> CanaryDecision | None:
        """Rejects the canary if it is surely worse; judges whenever enough new answers came.

        The k-th look gets the share 6 / (pi k)^2 of the false-alarm chance. These shares add up to
        the whole, however many looks there are.
        """
        if canary.count < (progress.looks + 1) * self._limits.min_sample:
            return None
        if not self._is_comparable(stable):
            return None
        progress.looks = canary.count // self._limits.min_sample
        chance = self._limits.false_alarms * 6 / (math.pi * progress.looks) ** 2
        found = judge(stable, canary, self._limits, chance)
        worse = [difference.criterion for difference in found if difference.exceeds]
        if not worse:
            return None
        return self._decision(CanaryVerdict.REJECT, f"worse in {', '.join(worse)}", found, canary)

    def _advance(
        self, progress: Progress, stable: NewestAnswers, canary: NewestAnswers
    ) -> CanaryDecision | None:
        """Takes the next step, or promotes, if the canary held this step within all limits."""
        now = self._clock()
        is_long = now - progress.since >= self._canary.hold_seconds
        if not is_long or not self._is_enough(progress, stable, canary):
            return None
        found = judge(stable, canary, self._limits, self._limits.false_alarms)
        if not all(difference.holds for difference in found):
            return None
        if progress.step + 1 < len(self._canary.steps):
            progress.step, progress.since = progress.step + 1, now
            progress.count, progress.read = canary.count, canary.read
            return None
        if not self._canary.promote:
            return None
        return self._decision(CanaryVerdict.PROMOTE, "held all steps", found, canary)

    def _is_comparable(self, stable: NewestAnswers) -> bool:
        """Returns whether the stable version has enough answers; without traffic it never will."""
        return stable.count >= self._limits.min_sample or self.share == 1

    def _is_enough(self, progress: Progress, stable: NewestAnswers, canary: NewestAnswers) -> bool:
        """Returns whether this step has enough answers and, if limited, evaluated outputs."""
        least = self._limits.min_sample
        if canary.count - progress.count < least or not self._is_comparable(stable):
            return False
        is_read = canary.read - progress.read >= least and stable.read >= min(
            len(stable.seconds), least
        )
        return is_read or self._limits.output_divergence is None

    def _decision(
        self, verdict: CanaryVerdict, why: str, found: list[CanaryDifference], canary: NewestAnswers
    ) -> CanaryDecision:
        assert self._progress is not None
        numbers = {difference.criterion: str(difference) for difference in found}
        share = {"canary share": f"{self.share:.2%}", "canary answers": str(canary.count)}
        stable = self._usable.stable
        return CanaryDecision(verdict, self._progress.version, why, share | numbers, stable)
