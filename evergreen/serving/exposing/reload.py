"""Exposes to one server by reload requests, without failing any client's request.

TensorFlow Serving refuses labels for versions that are not loaded. So the new versions are first
loaded beside the present ones, with the present labels; then the labels move, and the old versions
are unloaded.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import InitVar, dataclass

import grpc
from google.protobuf import text_format
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from evergreen.channels import channel
from evergreen.errors import EvergreenError
from evergreen.files import write_file
from evergreen.serving.exposing.others import merged, others, parse, told
from evergreen.serving.protos import (
    GetModelMetadataRequest,
    GetModelStatusRequest,
    ModelConfig,
    ModelServerConfig,
    ModelServiceStub,
    ModelSpec,
    ModelVersionStatus,
    PredictionServiceStub,
    ReloadConfigRequest,
)
from evergreen.settings.exposure import ByReload
from evergreen.settings.gateway import BackendSettings

CONFIGS = "/evergreen.serving.Configs/Get"
DEFAULT = BackendSettings().grpc
ANSWER_SECONDS = 10.0
POLL_SECONDS = 0.1
START, END = ModelVersionStatus.START, ModelVersionStatus.END


def reload(config: ModelServerConfig, backend: BackendSettings, settings: ByReload) -> str:
    """Makes a server serve the configuration of one model, beside the models it serves for others.

    Args:
        config: The configuration.
        backend: The server.
        settings: The source of the other models, and the time for loading versions.

    Returns:
        A description of what was done. If the settings name no server, a server that does not run
            is
        skipped: it reads the registry when it starts.

    Raises:
        EvergreenError: If the server refuses, a version cannot be served, the other models cannot
            be determined, or the server that the settings name does not answer.
    """
    [model] = config.model_config_list.config
    address = backend.grpc
    labels = ", ".join(f"version {v} as {k}" for k, v in sorted(model.version_labels.items()))
    try:
        with channel(address, proxy=backend.proxy) as opened:
            rest = _Server(opened, address, model, settings).serve()
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise EvergreenError(
                f"the model server at {address} refuses: {error.details()}",
                hint="Look into its log, then: evergreen expose",
            ) from error
        text = f"no model server answers at {address}; once started, it serves {labels}."
        if address == DEFAULT:
            return text
        raise EvergreenError(
            text, hint="Start it, or mend gateway.backend.grpc; then: evergreen expose"
        ) from error
    if settings.config_file:
        write_file(settings.config_file, text_format.MessageToString(merged(model, rest)))
    return f"the model server at {address} serves {labels}.{told(rest)}"


@dataclass(eq=False)
class _Server:
    opened: InitVar[grpc.Channel]
    _address: str
    _wanted: ModelConfig
    _settings: ByReload

    def __post_init__(self, opened: grpc.Channel) -> None:
        self._models = ModelServiceStub(opened)
        self._predictions = PredictionServiceStub(opened)
        self._configs = opened.unary_unary(CONFIGS, None, ModelServerConfig.FromString)
        self._model = self._wanted.name

    def serve(self) -> list[ModelConfig]:
        """Returns the other projects' models, which it continues to serve."""
        wanted = self._wanted
        versions = set(wanted.model_version_policy.specific.versions)
        self._others()  # fails before anything is changed
        loaded = self._loaded(self._states())
        if not versions <= loaded:
            self._reload(self._beside(wanted, versions | loaded, loaded))
            self._wait(versions, self._settings.load_seconds)
        return self._reload(wanted)

    def _others(self) -> list[ModelConfig]:
        if self._settings.alone:
            return []
        return others(self._there(), self._wanted, f"the model server at {self._address}")

    def _there(self) -> Iterable[ModelConfig]:
        try:
            return self._configs(b"", timeout=ANSWER_SECONDS).model_config_list.config
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
        file = self._settings.config_file
        if file is None or not file.exists():
            raise EvergreenError(
                f"the model server at {self._address} does not tell what it serves of others, and "
                "would end it. Nothing was changed.",
                hint="Name its --model_config_file in serving.exposure.config_file; or, if it is "
                "this project's alone: serving.exposure.alone=true",
            )
        return parse(file.read_text(encoding="utf-8"), str(file))

    def _beside(self, wanted: ModelConfig, versions: set[int], loaded: set[int]) -> ModelConfig:
        """Returns the configuration with these versions, and the present labels."""
        model = ModelConfig()
        model.CopyFrom(wanted)
        model.model_version_policy.specific.versions[:] = sorted(versions)
        model.version_labels.clear()
        model.version_labels.update(self._labels(wanted.version_labels, loaded))
        return model

    def _labels(self, names: Iterable[str], loaded: set[int]) -> dict[str, int]:
        """Returns the present versions of labels, which only requests by label reveal."""
        found = {}
        for name in names:
            request = GetModelMetadataRequest(
                model_spec=ModelSpec(name=self._model, version_label=name),
                metadata_field=["signature_def"],
            )
            with suppress(grpc.RpcError):  # the label does not exist
                answer = self._predictions.GetModelMetadata(request, timeout=ANSWER_SECONDS)
                found[name] = int(answer.model_spec.version.value)
        return {name: version for name, version in found.items() if version in loaded}

    def _wait(self, versions: set[int], seconds: float) -> None:
        """Waits until versions are loaded; raises EvergreenError if one cannot be."""
        polling = Retrying(
            stop=stop_after_delay(seconds),
            wait=wait_fixed(POLL_SECONDS),
            retry=retry_if_result(lambda there: not there),
        )
        try:
            polling(self._are_loaded, versions)
        except RetryError as error:
            raise EvergreenError(
                f"the model server at {self._address} has not loaded version "
                f"{', '.join(map(str, sorted(versions)))} within {seconds:g} s.",
                hint="What it served before goes on. When it can: evergreen expose",
            ) from error

    def _are_loaded(self, versions: set[int]) -> bool:
        states = self._states()
        for version in versions & states.keys():
            status = states[version].status
            if states[version].state == END and status.error_code:
                raise EvergreenError(
                    f"version {version} cannot be served by {self._address}: "
                    f"{status.error_message}",
                    hint=f"The others go on. To go without it: evergreen archive {version}",
                )
        return versions <= self._loaded(states)

    def _states(self) -> dict[int, ModelVersionStatus]:
        request = GetModelStatusRequest(model_spec=ModelSpec(name=self._model))
        try:
            answer = self._models.GetModelStatus(request, timeout=ANSWER_SECONDS)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return {}
            raise
        return {int(status.version): status for status in answer.model_version_status}

    @staticmethod
    def _loaded(states: dict[int, ModelVersionStatus]) -> set[int]:
        available = ModelVersionStatus.AVAILABLE
        return {version for version, status in states.items() if status.state == available}

    def _reload(self, model: ModelConfig) -> list[ModelConfig]:
        rest = self._others()  # as late as possible, since others may change theirs meanwhile
        request = ReloadConfigRequest(config=merged(model, rest))
        # Returns only when the model is loaded, so it may take that long.
        answer = self._models.HandleReloadConfigRequest(request, timeout=60)
        if answer.status.error_code:
            raise EvergreenError(
                f"the model server at {self._address} refuses: {answer.status.error_message}",
                hint="Look into its log, then: evergreen expose",
            )
        return rest
