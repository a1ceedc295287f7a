"""The model registry: versions, reserved when a run is planned, and a log of their stages.

Versions are contexts named `<model>/<version>`, events are contexts named `<model>/<sequence>`. A
name can be taken once, so at most one of two writers wins. Stages follow from the log. A version
that a failed run has given back is taken again as `<model>/<version>/<time>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Self

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.lineage import policies
from evergreen.lineage import stages as log
from evergreen.lineage.filters import Filter
from evergreen.lineage.retries import contended
from evergreen.lineage.stages import Action, Event, RegistryError, Stage
from evergreen.lineage.store import (
    ConflictError,
    append,
    context_type,
    parse,
    set_properties,
)
from evergreen.runs.plan import ModelRef
from evergreen.settings import Settings
from evergreen.settings.registry import PromotionSettings

VERSION_TYPE = "evergreen.model_version"
EVENT_TYPE = "evergreen.model_event"
RELEASED = "released"
"""The property of a version that was given back."""
ANYBODY = PromotionSettings()
"""The policy without conditions."""


@dataclass(frozen=True)
class _Reservation:
    """The number of a version, reserved for a training.

    Attributes:
        context: Its context.
        times: How often the number has been reserved.
    """

    context: mlmd.Context
    times: int

    @property
    def train_key(self) -> str:
        """The key of the training; empty if it has given the number back."""
        own = self.context.custom_properties
        return "" if own[RELEASED].string_value else str(own["train_key"].string_value)


def _held(reserved: Mapping[int, _Reservation]) -> dict[str, int]:
    """Returns the numbers that are held, by the key of the training."""
    return {held.train_key: number for number, held in reserved.items() if held.train_key}


class Registry:
    """The versions and the log of one model."""

    def __init__(
        self, store: MetadataStore, model: str, policy: PromotionSettings = ANYBODY
    ) -> None:
        self._store = store
        self._model = model
        self._policy = policy
        self._type_ids = {name: context_type(store, name) for name in (VERSION_TYPE, EVENT_TYPE)}

    @classmethod
    def of(cls, settings: Settings, store: MetadataStore) -> Self:
        """Returns the registry of a project with its policy; required for changing stages."""
        return cls(store, settings.model.name, settings.registry.promotion)

    def take_version(self, train_key: str) -> int:
        """Returns the version of a training, reserving the next free number for a new one."""
        for attempt in contended(ConflictError):
            with attempt:  # if another planner took the number, the next one is taken
                reserved = self._reservations()  # read once: what is free is so in one view
                taken = _held(reserved)
                if train_key not in taken:
                    number = max(taken.values(), default=0) + 1
                    before = reserved.get(number)
                    name = f"{number}/{before.times + 1}" if before else str(number)
                    self._put(VERSION_TYPE, name, {"train_key": train_key})
        return self._versions()[train_key]

    def release_version(self, train_key: str) -> None:
        """Gives a training's version back, unless it was registered: the next may take it.

        For a run that has failed, if nothing was pushed, and no other run makes the version.
        """
        registered = {event.model.version for event in self.events()}
        for number, held in self._reservations().items():
            if held.train_key == train_key and number not in registered:
                set_properties(held.context, {RELEASED: "yes"})
                self._store.put_contexts([held.context])

    def train_key(self, version: int) -> str | None:
        """Returns the key of the training that makes a version."""
        return self.versions().get(version)

    def versions(self) -> dict[int, str]:
        """Returns the training key of every reserved version."""
        return {number: key for key, number in self._versions().items()}

    def events(self) -> list[Event]:
        """Returns the log, oldest first."""
        contexts = sorted(self._list(EVENT_TYPE), key=lambda context: int(context.id))
        return [
            parse(Event, context.custom_properties["event"].string_value, f"event {context.name}")
            for context in contexts
        ]

    def serving(self) -> ModelRef | None:
        """Returns the model whose stage is *serving*, which is the baseline of the next one."""
        return log.serving(self.events())

    def registration(self, model: ModelRef) -> Event:
        """Returns the event that registered a version."""
        return next(event for event in self.events() if event.model == model)

    def register(
        self,
        model: ModelRef,
        who: str,
        why: str,
        evidence: Mapping[str, str],
        stage: Stage = Stage.CANDIDATE,
    ) -> Stage:
        """Registers a pushed version: serving if no other version is, else in the given stage.

        Returns:
            The version's stage; unchanged if it was registered before.
        """
        for attempt in contended(ConflictError):
            with attempt:
                events = self.events()
                if model.version not in log.stages(events):
                    entered = stage if log.serving(events) else Stage.SERVING
                    self._enter(events, Action.REGISTER, model, entered, who, why, evidence)
        return log.stages(self.events())[model.version]

    def promote(
        self,
        version: int,
        who: str,
        why: str,
        evidence: Mapping[str, str] = MappingProxyType({}),
        expect: int | None = None,
    ) -> Event:
        """Makes a version serving, and archives the one that served.

        Args:
            version: Its number.
            who: The person or trigger that promotes it.
            why: The reason, for the log.
            evidence: The evidence, besides that in the log.
            expect: The version whose place it takes, as in `stages.expect`.

        Raises:
            RegistryError: If the version is unknown, serves already, or is rejected; if another
                than the expected one serves.
            PolicyError: If the policy does not allow it.
            ConflictError: If somebody else was faster.
        """
        events = self.events()
        log.expect(events, expect)
        model = log.to_promote(events, version)
        policies.check(self._policy, events, model, who, evidence)
        told = log.evidence(events, model) | dict(evidence)
        return self._enter(events, Action.PROMOTE, model, Stage.SERVING, who, why, told)

    def rollback(self, version: int | None, who: str, why: str, expect: int | None = None) -> Event:
        """Goes back to the previous serving version, or a given one, and rejects the current one.

        Args:
            version: The version to go back to; None for the previous one.
            who: The person or trigger that rolls back.
            why: The reason, for the log.
            expect: The version that is rejected, as in `stages.expect`.

        Raises:
            RegistryError: If there is nothing to go back to, or another than the expected one
                serves.
            ConflictError: If somebody else was faster.
        """
        events = self.events()
        log.expect(events, expect)
        model = log.to_roll_back(events, version)
        return self._enter(events, Action.ROLLBACK, model, Stage.SERVING, who, why)

    def conclude(
        self,
        version: int,
        stage: Stage,
        who: str,
        why: str,
        evidence: Mapping[str, str],
        expect: int | None = None,
    ) -> Event:
        """Ends a canary by making it serving or rejected.

        Args:
            version: The canary.
            stage: Its new stage.
            who: Who decided.
            why: The reason, for the log.
            evidence: The figures.
            expect: For a promotion, the version whose place it takes, as in `stages.expect`.

        Raises:
            RegistryError: If the version is no longer a canary, or another than the expected one
                serves.
            PolicyError: If it is to serve, and the policy does not allow it.
            ConflictError: If somebody else was faster.
        """
        events = self.events()
        model = log.model(events, version)
        if log.stages(events)[version] is not Stage.CANARY:
            raise RegistryError(
                f"version {version} is {log.stages(events)[version]}, and no canary any more."
            )
        action = Action.PROMOTE if stage is Stage.SERVING else Action.ROLLBACK
        if action is Action.PROMOTE:
            log.expect(events, expect)
            policies.check(self._policy, events, model, who, evidence)
        told = log.evidence(events, model) | dict(evidence)
        return self._enter(events, action, model, stage, who, why, told)

    def archive(self, version: int, who: str, why: str) -> Event:
        """Takes a version that does not serve out of use.

        Raises:
            RegistryError: If the version is unknown or serving.
            ConflictError: If somebody else was faster.
        """
        events = self.events()
        model = log.model(events, version)
        if model == log.serving(events):
            raise RegistryError(
                f"version {version} is serving.", hint="Promote another one, or roll back, first."
            )
        return self._enter(events, Action.ARCHIVE, model, Stage.ARCHIVED, who, why)

    def reset_baseline(self, who: str, why: str, expect: int | None = None) -> Event:
        """Archives the serving version, so that only absolute thresholds apply to the next one.

        Raises:
            RegistryError: If nothing is serving, or another than the expected one.
            PolicyError: If they may not promote, since the next version will serve without a
                promotion.
            ConflictError: If somebody else was faster.
        """
        events = self.events()
        log.expect(events, expect)
        model = log.serving(events)
        if model is None:
            raise RegistryError("nothing is serving: there is no baseline to reset.")
        policies.check_actor(self._policy, model, who)
        return self._enter(events, Action.RESET, model, Stage.ARCHIVED, who, why)

    def _enter(
        self,
        seen: list[Event],
        action: Action,
        model: ModelRef,
        stage: Stage,
        who: str,
        why: str,
        evidence: Mapping[str, str] | None = None,
    ) -> Event:
        event = Event(
            action=action,
            model=model,
            stage=stage,
            who=who,
            when=datetime.now(UTC),
            why=why,
            evidence=log.evidence(seen, model) if evidence is None else evidence,
        )
        self._append(event, after=len(seen))
        return event

    def _append(self, event: Event, after: int) -> None:
        self._put(EVENT_TYPE, f"{after + 1:08d}", {"event": event.model_dump_json()})

    def _versions(self) -> dict[str, int]:
        return _held(self._reservations())

    def _reservations(self) -> dict[int, _Reservation]:
        """Returns the newest reservation of each number."""
        found: dict[int, _Reservation] = {}
        for context in self._list(VERSION_TYPE):
            number, *times = map(int, context.name.split("/")[1:])
            reservation = _Reservation(context, times[0] if times else 1)
            if number not in found or found[number].times < reservation.times:
                found[number] = reservation
        return found

    def _list(self, type_name: str) -> list[mlmd.Context]:
        wanted = Filter("type = ? AND name LIKE ?", type_name, f"{self._model}/%")
        found = self._store.get_contexts(wanted.options())
        # In LIKE, an underscore is a wildcard.
        return [context for context in found if context.name.startswith(f"{self._model}/")]

    def _put(self, type_name: str, name: str, properties: dict[str, str | int]) -> None:
        context = mlmd.Context(type_id=self._type_ids[type_name], name=f"{self._model}/{name}")
        set_properties(context, properties)
        whose = f"the log of model {self._model}"
        append(self._store, type_name, context, whose, "Look at the log and decide again.")
