"""The messages that the gateway reads, without TensorFlow, whose import takes 23 s."""

from evergreen.serving.client.protos import without_tensorflow

with without_tensorflow():
    from tensorflow_serving.apis.classification_pb2 import (
        ClassificationRequest,
        ClassificationResponse,
    )
    from tensorflow_serving.apis.get_model_status_pb2 import (
        GetModelStatusRequest,
        GetModelStatusResponse,
        ModelVersionStatus,
    )
    from tensorflow_serving.apis.inference_pb2 import (
        MultiInferenceRequest,
        MultiInferenceResponse,
    )
    from tensorflow_serving.apis.input_pb2 import Input
    from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

__all__ = [
    "ClassificationRequest",
    "ClassificationResponse",
    "GetModelStatusRequest",
    "GetModelStatusResponse",
    "Input",
    "ModelVersionStatus",
    "MultiInferenceRequest",
    "MultiInferenceResponse",
    "RegressionRequest",
    "RegressionResponse",
]
