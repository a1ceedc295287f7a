"""Answers TensorFlow Serving's requests, for gRPC and REST alike.

Each function finds the requested version, and holds it until the request is answered.
"""

from tensorflow_serving.apis.classification_pb2 import ClassificationRequest, ClassificationResponse
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
)
from tensorflow_serving.apis.get_model_status_pb2 import (
    GetModelStatusRequest,
    GetModelStatusResponse,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest, MultiInferenceResponse
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from evergreen.serving.model_server.core import answers
from evergreen.serving.model_server.core.errors import invalid
from evergreen.serving.model_server.core.manager import Manager

MISSING = "Missing ModelSpec"


async def predict(manager: Manager, request: PredictRequest) -> PredictResponse:
    """Answers `PredictionService.Predict`. Raises ServingError."""
    if not request.HasField("model_spec"):
        raise invalid(MISSING)
    with manager.use(request.model_spec) as servable:
        as_content = manager.options.enable_serialization_as_tensor_content
        return await answers.predict(servable, request, as_content)


async def classify(manager: Manager, request: ClassificationRequest) -> ClassificationResponse:
    """Answers `PredictionService.Classify`. Raises ServingError."""
    if not request.HasField("model_spec"):
        raise invalid(MISSING)
    with manager.use(request.model_spec) as servable:
        strict = manager.options.enable_signature_method_name_check
        response = await answers.classify(servable, request, strict)
    manager.metrics.examples.add(servable.name, amount=len(response.result.classifications))
    return response


async def regress(manager: Manager, request: RegressionRequest) -> RegressionResponse:
    """Answers `PredictionService.Regress`. Raises ServingError."""
    if not request.HasField("model_spec"):
        raise invalid(MISSING)
    with manager.use(request.model_spec) as servable:
        strict = manager.options.enable_signature_method_name_check
        response = await answers.regress(servable, request, strict)
    manager.metrics.examples.add(servable.name, amount=len(response.result.regressions))
    return response


async def multi_inference(
    manager: Manager, request: MultiInferenceRequest
) -> MultiInferenceResponse:
    """Answers `PredictionService.MultiInference`; the first task names the version.

    Raises:
        ServingError: As the tasks would; UNIMPLEMENTED for another method.
    """
    if not request.tasks or not request.tasks[0].HasField("model_spec"):
        raise invalid(MISSING)
    with manager.use(request.tasks[0].model_spec) as servable:
        strict = manager.options.enable_signature_method_name_check
        return await answers.multi_inference(servable, request, strict)


def metadata(manager: Manager, request: GetModelMetadataRequest) -> GetModelMetadataResponse:
    """Answers `PredictionService.GetModelMetadata`. Raises ServingError."""
    if not request.HasField("model_spec"):
        raise invalid(MISSING)
    if not request.metadata_field:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != answers.SIGNATURES:
            raise invalid(f"Metadata field {field} is not supported")
    with manager.use(request.model_spec) as servable:
        return answers.metadata(servable)


def model_status(manager: Manager, request: GetModelStatusRequest) -> GetModelStatusResponse:
    """Answers `ModelService.GetModelStatus`. Raises ServingError."""
    if not request.HasField("model_spec"):
        raise invalid(MISSING)
    return GetModelStatusResponse(model_version_status=manager.status(request.model_spec))
