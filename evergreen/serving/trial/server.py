"""A model server that holds the candidate."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

from evergreen.channels import channel as open_channel
from evergreen.errors import EvergreenError
from evergreen.serving.protos import ModelSpec
from evergreen.serving.trial.channels import Asking, Code, lost
from evergreen.serving.trial.exported import MAX_CHARACTERS, ExportedSignatures, UnservableError
from evergreen.serving.trial.process import ServerProcess
from evergreen.texts import shorten

VERSION = "1"  # arbitrary: no request names it
START_SECONDS = 300.0  # importing TensorFlow takes 5 to 15 s on a slow machine, longer under load
STARTS = 3  # repeated for each port that another process takes first
STATUS_SECONDS = 10.0


class ModelServer:
    """A server with at most one model; a context manager that leaves no process behind.

    It starts when this object is made, so that it imports TensorFlow while the caller goes on. It
    ends with the thread that made it, and only that thread may use it.

    Attributes:
        load_seconds: From the request to load the model until it is available, with its warm-up,
            without the start of the server. None until then.
    """

    def __init__(
        self, command: Sequence[str], model_name: str, load_within: float, answer_within: float
    ) -> None:
        """Starts the server.

        Args:
            command: The program, a `tensorflow_model_server` or one with its flags.
            model_name: The served name of the model.
            load_within: The time to load it, in seconds.
            answer_within: The time for each answer, in seconds.
        """
        self.load_seconds: float | None = None
        self._name, self._load_within, self._answer_within = model_name, load_within, answer_within
        timeout = f"--rest_api_timeout_in_ms={answer_within * 1000:.0f}"
        self._command = (*command, "--max_num_load_retries=0", timeout)
        self._process = ServerProcess(self._command)
        self._asking: Asking | None = None

    def load(self, model: Path, signatures: ExportedSignatures) -> Asking:
        """Loads the model, which replays its recorded requests.

        Args:
            model: The folder of a SavedModel.
            signatures: The model's signatures.

        Raises:
            EvergreenError: If the server fails for reasons that are not the model's.
            UnservableError: If the model cannot be loaded, kills the server, or takes too long.
        """
        self._wait_until_started()
        base = self._process.folder / "models"
        base.mkdir()
        (base / VERSION).symlink_to(model.absolute())
        start = time.monotonic()
        with open_channel(self._process.target) as channel:
            self._load(ModelServiceStub(channel), base)
        self.load_seconds = time.monotonic() - start
        self._asking = Asking(self._process, self._name, signatures, self._answer_within)
        return self._asking

    def load_cold(self, model: Path, signatures: ExportedSignatures) -> Asking:
        """Loads a model that `load` refuses in a new server, without its recorded requests.

        This lets further faults of the model be found. Arguments and errors are those of `load`.
        """
        self._start_again("--enable_model_warmup=false")
        return self.load(model, signatures)

    @property
    def memory_mb(self) -> float | None:
        """Peak resident memory of the server in MiB; None if it has no model."""
        return None if self.load_seconds is None else self._process.memory_mb

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._asking:
            self._asking.close()
        self._process.close()

    def _start_again(self, *flags: str) -> None:
        self._process.close()
        self._process = ServerProcess([*self._command, *flags])

    def _wait_until_started(self) -> None:
        for _ in range(STARTS):
            if self._process.wait_until_listening(START_SECONDS):
                return
            if not self._process.has_no_port:
                break
            self._start_again()
        how = self._process.end(0) or f"does not listen after {START_SECONDS:g} s"
        raise EvergreenError(
            f"the model server {self._command[0]} {how}; it said: {self._process.words()}",
            hint="See whether it starts by hand, with --port=8500, and how busy the machine is.",
        )

    def _load(self, models: ModelServiceStub, base: Path) -> None:
        request = ReloadConfigRequest()
        request.config.model_config_list.config.add(
            name=self._name, base_path=str(base), model_platform="tensorflow"
        )
        try:
            refusal = self._reload(models, request)
            status = self._status(models)
        except grpc.RpcError as error:
            gone = lost(self._process, error.code(), "load the model", self._load_within)
            raise gone or UnservableError(shorten(str(error.details()), MAX_CHARACTERS)) from error
        if status.state != ModelVersionStatus.AVAILABLE:
            raise UnservableError(shorten(_reason(status) or refusal, MAX_CHARACTERS))

    def _reload(self, models: ModelServiceStub, request: ReloadConfigRequest) -> str:
        """Requests the model, and waits for it; returns why it is not available, or empty text."""
        try:
            models.HandleReloadConfigRequest(request, timeout=self._load_within)
        except grpc.RpcError as error:
            if error.code() in (Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE):
                raise
            return str(error.details())
        return ""

    def _status(self, models: ModelServiceStub) -> ModelVersionStatus:
        request = GetModelStatusRequest(model_spec=ModelSpec(name=self._name))
        answer = models.GetModelStatus(request, timeout=STATUS_SECONDS)
        return answer.model_version_status[0]


def _reason(status: ModelVersionStatus) -> str:
    """Returns the error that ended a version; empty if there is none."""
    names = {code.value[0]: code.name for code in Code}
    found = status.status
    return f"{names[found.error_code]}: {found.error_message}" if found.error_code else ""
