"""`ModelService` and `PredictionService`: bytes are parsed, errors become gRPC's."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core import inference
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.manager import Manager

MAX_DETAILS = 2600
"""The most bytes of an error. gRPC may write each as three, and clients refuse more than 8 KiB."""
Handler: TypeAlias = "grpc.GenericRpcHandler[bytes, bytes]"
Method = Callable[[Any], Awaitable[Message]]
log = logging.getLogger(__name__)
MODEL_SERVICE = "tensorflow.serving.ModelService"
PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
R = TypeVar("R")


def _handler(service: str, methods: Mapping[str, tuple[type[Message], Method]]) -> Handler:
    """Creates the gRPC handler of a service.

    gRPC's own parsing would answer malformed requests with UNKNOWN, and log a traceback for each.

    Args:
        service: Its full name.
        methods: By name, the type of the request and the coroutine function that answers it.
    """
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(_call(kind, method))
        for name, (kind, method) in methods.items()
    }
    return grpc.method_handlers_generic_handler(service, handlers)


def _call(kind: type[Message], method: Method) -> Callable[[bytes, Any], Awaitable[bytes]]:
    async def call(data: bytes, context: Any) -> bytes:
        try:
            request = kind.FromString(data)
        except DecodeError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        try:
            return (await method(request)).SerializeToString()
        except ServingError as error:
            code, message = error.code, _cut(error.message)
        # Outside of `except`, where gRPC's exception would hold ours, and the request's tensors
        # with it.
        await context.abort(code, message)
        raise AssertionError("abort raises")

    return call


def _cut(message: str) -> str:
    return message.encode("utf-8", "replace")[:MAX_DETAILS].decode("utf-8", "ignore")


def model_service(manager: Manager) -> Handler:
    """Returns the handler that reports the served models, and changes them."""

    async def status(request: GetModelStatusRequest) -> GetModelStatusResponse:
        return inference.model_status(manager, request)

    async def reload(request: ReloadConfigRequest) -> ReloadConfigResponse:
        try:
            return await _reload(manager, request)
        except ServingError as error:
            log.error("ReloadConfig failed: %s", error.message)
            raise

    return _handler(
        MODEL_SERVICE,
        {
            "GetModelStatus": (GetModelStatusRequest, status),
            "HandleReloadConfigRequest": (ReloadConfigRequest, reload),
        },
    )


def configs(manager: Manager) -> "grpc.GenericRpcHandler[Any, Any]":
    """Returns the handler that reports the configuration, so that changes can keep the rest."""

    async def get(data: bytes, context: Any) -> ModelServerConfig:
        del data, context
        return manager.config()

    answer = grpc.unary_unary_rpc_method_handler(
        get, response_serializer=ModelServerConfig.SerializeToString
    )
    return grpc.method_handlers_generic_handler("evergreen.serving.Configs", {"Get": answer})


async def _reload(manager: Manager, request: ReloadConfigRequest) -> ReloadConfigResponse:
    """Changes models, versions and labels; answers when every new model has a version."""
    if request.config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
            "ModelConfigList is currently supported"
        )
    await manager.reload(request.config)
    response = ReloadConfigResponse()
    response.status.SetInParent()
    return response


def prediction_service(manager: Manager) -> Handler:
    """Returns the handler of predictions; all methods but the metadata's are measured.

    gRPC cancels a request whose deadline has passed, wherever it waits.
    """

    def measured(
        api: str, answer: Callable[[Manager, Any], Awaitable[R]]
    ) -> Callable[[Any], Awaitable[R]]:
        async def method(request: Any) -> R:
            with manager.measure(_model(request), api, "GRPC"):
                return await answer(manager, request)

        return method

    async def metadata(request: GetModelMetadataRequest) -> GetModelMetadataResponse:
        return inference.metadata(manager, request)

    return _handler(
        PREDICTION_SERVICE,
        {
            "Predict": (PredictRequest, measured("Predict", inference.predict)),
            "Classify": (ClassificationRequest, measured("Classify", inference.classify)),
            "Regress": (RegressionRequest, measured("Regress", inference.regress)),
            "MultiInference": (
                MultiInferenceRequest,
                measured("MultiInference", inference.multi_inference),
            ),
            "GetModelMetadata": (GetModelMetadataRequest, metadata),
        },
    )


def _model(request: Any) -> str:
    """Returns the model of a request; a multi-inference names it in each task."""
    if not isinstance(request, MultiInferenceRequest):
        return str(request.model_spec.name)
    return request.tasks[0].model_spec.name if request.tasks else ""
