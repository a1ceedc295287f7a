"""TensorFlow Serving's messages for exposing, without TensorFlow, whose import takes 23 s."""

from evergreen.serving.client.protos import without_tensorflow

with without_tensorflow():
    from tensorflow_serving.apis.get_model_status_pb2 import (
        GetModelStatusRequest,
        ModelVersionStatus,
    )
    from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

__all__ = [
    "GetModelStatusRequest",
    "ModelConfig",
    "ModelServerConfig",
    "ModelServiceStub",
    "ModelVersionStatus",
    "ReloadConfigRequest",
]
