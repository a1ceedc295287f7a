"""The served models, with their wanted and their loaded versions."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core import configs, versions
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.budget import Budget
from evergreen.serving.model_server.core.errors import ServingError, invalid, not_found
from evergreen.serving.model_server.core.loader import Loader
from evergreen.serving.model_server.core.model import Model
from evergreen.serving.model_server.core.servable import Servable
from evergreen.serving.model_server.metrics import Metrics
from evergreen.serving.model_server.options import Options

log = logging.getLogger(__name__)


class Manager:
    """Keeps the versions loaded that configuration and file system ask for.

    Used only from the event loop; models are loaded and run on threads.

    Attributes:
        options: The server's flags.
        metrics: The server's metrics.
        budget: The memory budget of requests in flight.
    """

    def __init__(
        self, options: Options, batching: BatchingOptions | None, metrics: Metrics
    ) -> None:
        self.options = options
        self.metrics = metrics
        self.budget = Budget()
        self._models: dict[str, Model] = {}
        self._labels: versions.Labels = {}
        self._loader = Loader(options, batching, metrics, self.budget)
        self._change = asyncio.Event()
        self._awaited: set[str] = set()

    @contextmanager
    def use(self, spec: ModelSpec) -> Iterator[Servable]:
        """Selects a loaded version by number, label, or as the latest, and holds it while in use.

        Raises:
            ServingError: If there is none: NOT_FOUND, "Servable not found for request: ...".
        """
        number = self._number(spec)
        kind = "Latest({})" if number is None else "Specific({}, {})"
        model = self._models.get(spec.name)
        if model is None:
            raise not_found(f"Servable not found for request: {kind.format(spec.name, number)}")
        with model.use(number) as servable:
            if servable is None:
                raise not_found(f"Servable not found for request: {kind.format(spec.name, number)}")
            yield servable

    def status(self, spec: ModelSpec) -> list[ModelVersionStatus]:
        """Returns the states of a model's versions, newest first; only one if the spec names it.

        Raises:
            ServingError: If the model or version was never configured (NOT_FOUND).
        """
        number = self._number(spec)
        model = self._models.get(spec.name)
        versions = model.versions if model else {}
        if number is not None and number not in versions:
            raise not_found(f"Could not find version {number} of model {spec.name}")
        if not versions:
            raise not_found(f"Could not find any versions of model {spec.name}")
        numbers = sorted(versions, reverse=True) if number is None else [number]
        return [versions[number].status() for number in numbers]

    async def reload(self, config: ModelServerConfig, at_start: bool = False) -> None:
        """Changes models, versions and labels; returns when every new model has a version.

        Args:
            config: The models to serve.
            at_start: Whether to return when one model has a version and the others have nothing to
                load, so that a wrong path does not block the other models. These are `awaited`.

        Raises:
            ServingError: If the configuration is invalid, in which case nothing is changed; or if
                no version of a new model can be loaded (UNKNOWN).
        """
        if config.WhichOneof("config") is None:
            log.info("Taking no action for empty config.")
            return
        configs.check(config)
        self._labels = versions.assign_labels(config, self._labels, self.is_available, self.options)
        wanted = {model.name: model for model in config.model_config_list.config}
        new = [name for name in wanted if name not in self._models or not self._models[name].config]
        for name in new:
            self._models.setdefault(name, Model(name, self._loader, self.options, self._notify))
        for name, model in self._models.items():
            model.config = wanted.get(name)
        await self.poll()
        self._awaited |= set(new) if at_start else set()
        await self._until_available(new, at_start)

    def config(self) -> ModelServerConfig:
        """Returns the served models, versions and labels, as configured."""
        found = ModelServerConfig()
        found.model_config_list.config.extend(
            model.config for model in self._models.values() if model.config
        )
        return found

    async def poll(self) -> None:
        """Checks once for new and removed versions."""
        await asyncio.gather(*(model.poll() for model in list(self._models.values())))

    async def watch(self) -> None:
        """Checks for versions at the interval of the flags, until cancelled."""
        seconds = self.options.file_system_poll_wait_seconds
        while seconds > 0:
            await asyncio.sleep(seconds)
            await self.poll()

    def is_available(self, name: str, version: int | None = None) -> bool:
        """Returns whether a version of a model, or any version, can be used."""
        return name in self._models and self._models[name].available(version)

    def awaited(self) -> set[str]:
        """Returns the models configured at the start that never had a version."""
        self._awaited = {
            name
            for name in self._awaited
            if self._models[name].config is not None and not self.is_available(name)
        }
        return self._awaited

    def names(self) -> list[str]:
        """Returns the names of the present and past models."""
        return list(self._models)

    @property
    def change(self) -> asyncio.Event:
        """An event that is set at the next change of a version's state."""
        return self._change

    def measure(self, name: str, api: str, entrypoint: str) -> AbstractContextManager[None]:
        """Measures a request; names made up by clients do not become labels of the metrics.

        Args:
            name: The requested model.
            api: "Predict", "Classify", "Regress", "MultiInference".
            entrypoint: "GRPC" or "REST".
        """
        return self.metrics.request(name if name in self._models else "", api, entrypoint)

    async def close(self) -> None:
        """Stops all background work."""
        await asyncio.gather(*(model.close() for model in self._models.values()))
        self._loader.close()

    def _number(self, spec: ModelSpec) -> int | None:
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        match spec.WhichOneof("version_choice"):
            case "version":
                return spec.version.value
            case "version_label":
                return versions.resolve_label(self._labels, spec.name, spec.version_label)
            case _:
                return None

    async def _until_available(self, names: list[str], at_start: bool) -> None:
        """Waits until each model has a usable version, as described in `reload`."""
        while waiting := [name for name in names if not self.is_available(name)]:
            failed = [(name, v) for name in waiting for v in self._models[name].failures()]
            if failed:
                text = "".join(
                    f"{{{{name: {name} version: {v.number}}} due to error: {_text(v.error)}}}, "
                    for name, v in failed
                )
                raise ServingError(
                    grpc.StatusCode.UNKNOWN,
                    f"{len(failed)} servable(s) did not become available: {{{text}}}",
                )
            coming = [name for name in waiting if self._models[name].is_coming()]
            if at_start and not coming and len(waiting) < len(names):
                return
            await self.change.wait()

    def _notify(self) -> None:
        self._change.set()
        self._change = asyncio.Event()


def _text(error: ServingError | None) -> str:
    return f"{error.code.name}: {error.message}" if error else ""
