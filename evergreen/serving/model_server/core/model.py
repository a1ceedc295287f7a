"""The versions of one model, and their lifecycle.

A version is START, LOADING, AVAILABLE, UNLOADING, END, as in TensorFlow Serving. Versions that are
no longer aspired are unloaded once an aspired one is available, so that one always answers.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.loader import Loader
from evergreen.serving.model_server.core.servable import Servable
from evergreen.serving.model_server.core.versions import aspired
from evergreen.serving.model_server.options import Options

log = logging.getLogger(__name__)

START, LOADING, AVAILABLE, UNLOADING, END = (
    ModelVersionStatus.START,
    ModelVersionStatus.LOADING,
    ModelVersionStatus.AVAILABLE,
    ModelVersionStatus.UNLOADING,
    ModelVersionStatus.END,
)


@dataclass
class Version:
    """A version, loaded or not.

    Attributes:
        number: The version.
        path: Its folder.
        is_aspired: Whether it should be served.
        state: Its state.
        error: The reason of its end, if it could not be loaded.
        servable: The loaded version, while it is AVAILABLE or UNLOADING.
        users: The number of requests that use it.
        idle: Set while none does.
    """

    number: int
    path: str
    is_aspired: bool = True
    state: ModelVersionStatus.State = START
    error: ServingError | None = None
    servable: Servable | None = None
    users: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def status(self) -> ModelVersionStatus:
        """Returns its state in the form for clients."""
        status = ModelVersionStatus(version=self.number, state=self.state)
        status.status.error_code = self.error.code.value[0] if self.error else 0
        status.status.error_message = self.error.message if self.error else ""
        return status


@dataclass(eq=False)
class Model:
    """The versions of one model; used only from the event loop.

    Attributes:
        config: The folder of its versions, and the policy; None if it is no longer served.
        versions: All versions since the start.
    """

    name: str
    _loader: Loader
    _options: Options
    _changed: Callable[[], None]
    config: ModelConfig | None = None
    versions: dict[int, Version] = field(default_factory=dict)
    _available: dict[int, Version] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _complaint: str = ""

    def available(self, number: int | None = None) -> bool:
        """Returns whether a version, or any, can be used."""
        return bool(self._available) if number is None else number in self._available

    @contextmanager
    def use(self, number: int | None) -> Iterator[Servable | None]:
        """Holds a version, or the latest; yields None if it is not available."""
        number = max(self._available, default=None) if number is None else number
        version = self._available.get(number) if number is not None else None
        if version is None:
            yield None
            return
        version.users += 1
        try:
            yield version.servable
        finally:
            version.users -= 1
            if not version.users:
                version.idle.set()

    async def poll(self) -> None:
        """Finds the versions that should be served, and starts the changes without waiting."""
        config = self.config
        if config is None:
            self.aspire({})
            return
        try:
            found = await asyncio.to_thread(aspired, config)
        except ServingError as error:
            self._complain(error.message)
            return
        none = f"No versions of servable {self.name} found under base path {config.base_path}"
        self._complain("" if found else none)
        if self.config is config:  # it may have changed meanwhile
            self.aspire(found)

    def aspire(self, paths: Mapping[int, str]) -> None:
        """Loads new versions, highest first, and releases the others."""
        for number, version in self.versions.items():
            version.is_aspired = version.is_aspired and number in paths
        for number in sorted(paths, reverse=True):
            known = self.versions.get(number)
            if known is None or (known.state == END and not known.is_aspired):
                self.versions[number] = Version(number, paths[number])
                self._spawn(self._load(self.versions[number]))
            else:
                known.is_aspired = True
        self._unload_spare()

    def is_coming(self) -> bool:
        """Returns whether a version should be served, loaded or not."""
        return any(version.is_aspired for version in self.versions.values())

    def failures(self) -> list[Version]:
        """Returns the aspired versions if none of them can be loaded, else nothing."""
        wanted = [version for version in self.versions.values() if version.is_aspired]
        return wanted if all(version.error for version in wanted) else []

    async def close(self) -> None:
        """Stops loading and unloading."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _load(self, version: Version) -> None:
        version.error = await self._attempts(version)
        if version.error:
            self._set(version, END)
        else:
            self._available[version.number] = version
            self._set(version, AVAILABLE)
        self._unload_spare()

    async def _attempts(self, version: Version) -> ServingError | None:
        """Loads a version, with retries; returns the last error."""
        retries = self._options.max_num_load_retries
        for attempt in range(retries + 1):
            try:
                async with self._loader.turn:
                    if not attempt:
                        self._set(version, LOADING)
                    version.servable = await self._loader.load(
                        self.name, version.number, version.path
                    )
                return None
            except ServingError as error:
                failed = error
                log.warning("%s cannot be loaded: %s", self._id(version), error.message)
            if attempt < retries and version.is_aspired:
                await asyncio.sleep(max(self._options.load_retry_interval_micros, 0) / 1e6)
        return failed

    def _unload_spare(self) -> None:
        wanted = [version for version in self.versions.values() if version.is_aspired]
        if wanted and not any(version.state == AVAILABLE for version in wanted):
            return
        for version in list(self._available.values()):
            if not version.is_aspired:
                del self._available[version.number]
                self._spawn(self._unload(version))

    async def _unload(self, version: Version) -> None:
        self._set(version, UNLOADING)
        while version.users:
            version.idle.clear()
            await version.idle.wait()
        servable, version.servable = version.servable, None
        if servable:
            await self._loader.unload(servable)
        self._set(version, END)
        if version.is_aspired:  # wanted again meanwhile
            version.is_aspired = False
            self.aspire({version.number: version.path} | self._aspired_paths())

    def _aspired_paths(self) -> dict[int, str]:
        return {v.number: v.path for v in self.versions.values() if v.is_aspired}

    def _set(self, version: Version, state: ModelVersionStatus.State) -> None:
        version.state = state
        log.info("%s is %s", self._id(version), ModelVersionStatus.State.Name(state))
        self._changed()

    def _id(self, version: Version) -> str:
        return f"servable version {{name: {self.name} version: {version.number}}}"

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _complain(self, text: str) -> None:
        """Logs a problem of the folder once, and not at every poll."""
        if text and text != self._complaint:
            log.warning("%s", text)
        self._complaint = text
