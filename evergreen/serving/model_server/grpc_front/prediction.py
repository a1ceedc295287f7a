"""`tensorflow.serving.PredictionService`."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from evergreen.serving.model_server.core import inference
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.grpc_front import calls

SERVICE = "tensorflow.serving.PredictionService"
R = TypeVar("R")


def handler(manager: Manager) -> calls.Handler:
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

    return calls.handler(
        SERVICE,
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
