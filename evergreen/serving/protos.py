"""TensorFlow Serving's messages, without TensorFlow.

Issue: the stubs of tensorflow-serving-api 2.19 take tensors and examples from `tensorflow.core`.
These are plain generated modules, but importing one runs `tensorflow/__init__.py`: 23 seconds
instead of 0.3, and 500 MB, of which a client uses nothing.
Solution: an empty package stands for `tensorflow` while they are imported. TensorFlow can be
imported afterwards, and shares the messages. This can go when the stubs bring their own.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from types import ModuleType


@contextmanager
def without_tensorflow() -> Iterator[None]:
    """Lets `tensorflow.core` be imported without TensorFlow; does nothing if that is loaded."""
    spec = PathFinder.find_spec("tensorflow")
    if "tensorflow" in sys.modules or spec is None:
        yield
        return
    stand_in = ModuleType("tensorflow")
    stand_in.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["tensorflow"] = stand_in
    try:
        yield
    finally:
        del sys.modules["tensorflow"]


with without_tensorflow():
    from tensorflow.core.example.example_pb2 import Example
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.framework.tensor_pb2 import TensorProto
    from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo
    from tensorflow_serving.apis.classification_pb2 import (
        ClassificationRequest,
        ClassificationResponse,
    )
    from tensorflow_serving.apis.get_model_metadata_pb2 import (
        GetModelMetadataRequest,
        GetModelMetadataResponse,
        SignatureDefMap,
    )
    from tensorflow_serving.apis.get_model_status_pb2 import (
        GetModelStatusRequest,
        GetModelStatusResponse,
        ModelVersionStatus,
    )
    from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest, MultiInferenceResponse
    from tensorflow_serving.apis.input_pb2 import Input
    from tensorflow_serving.apis.model_management_pb2 import ReloadConfigRequest
    from tensorflow_serving.apis.model_pb2 import ModelSpec
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
    from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
    from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub
    from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse
    from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

__all__ = [
    "ClassificationRequest",
    "ClassificationResponse",
    "Example",
    "GetModelMetadataRequest",
    "GetModelMetadataResponse",
    "GetModelStatusRequest",
    "GetModelStatusResponse",
    "Input",
    "ModelConfig",
    "ModelServerConfig",
    "ModelServiceStub",
    "ModelSpec",
    "ModelVersionStatus",
    "MultiInferenceRequest",
    "MultiInferenceResponse",
    "PredictRequest",
    "PredictResponse",
    "PredictionServiceStub",
    "RegressionRequest",
    "RegressionResponse",
    "ReloadConfigRequest",
    "SignatureDef",
    "SignatureDefMap",
    "TensorInfo",
    "TensorProto",
    "types_pb2",
]
