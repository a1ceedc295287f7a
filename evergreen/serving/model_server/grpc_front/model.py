"""`tensorflow.serving.ModelService`."""

import logging
from typing import Any

import grpc
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest, ReloadConfigResponse
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.model_server.core import inference
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.grpc_front import calls

log = logging.getLogger(__name__)
SERVICE = "tensorflow.serving.ModelService"


def handler(manager: Manager) -> calls.Handler:
    """Returns the handler that reports the served models, and changes them."""

    async def status(request: GetModelStatusRequest) -> GetModelStatusResponse:
        return inference.model_status(manager, request)

    async def reload(request: ReloadConfigRequest) -> ReloadConfigResponse:
        try:
            return await _reload(manager, request)
        except ServingError as error:
            log.error("ReloadConfig failed: %s", error.message)
            raise

    return calls.handler(
        SERVICE,
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
