"""Answers TensorFlow Serving's requests with a loaded version."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import grpc
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest, ClassificationResponse
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.inference_pb2 import (
    InferenceTask,
    MultiInferenceRequest,
    MultiInferenceResponse,
)
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from evergreen.serving.model_server.core import examples
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.servable import DEFAULT_SIGNATURE, Servable
from evergreen.serving.model_server.core.tensors import Array, expansion, to_array, to_proto

SIGNATURES = "signature_def"
"""The only kind of metadata."""


async def predict(
    servable: Servable, request: PredictRequest, as_content: bool = False
) -> PredictResponse:
    """Answers with all outputs of a signature, or those of the request's filter."""
    signature = request.model_spec.signature_name
    found = servable.find(signature)
    found.check({name: proto.dtype for name, proto in request.inputs.items()})
    found.select(request.output_filter)
    with servable.budget.share() as take:
        take(expansion(request.inputs))
        inputs = {name: to_array(proto, name) for name, proto in request.inputs.items()}
        outputs = await servable.run(signature, inputs, request.output_filter)
    response = PredictResponse(model_spec=_spec(servable, signature))
    for name, array in outputs.items():
        to_proto(array, response.outputs[name], as_content)
    return response


async def classify(
    servable: Servable, request: ClassificationRequest, strict: bool = False
) -> ClassificationResponse:
    """Answers with the classes of examples."""
    outputs, count = await _run(servable, request, examples.classification_outputs, strict)
    return ClassificationResponse(
        model_spec=_spec(servable, request.model_spec.signature_name),
        result=examples.classification(outputs, count),
    )


async def regress(
    servable: Servable, request: RegressionRequest, strict: bool = False
) -> RegressionResponse:
    """Answers with a value for each example."""
    outputs, count = await _run(servable, request, examples.regression_outputs, strict)
    return RegressionResponse(
        model_spec=_spec(servable, request.model_spec.signature_name),
        result=examples.regression(outputs, count),
    )


async def multi_inference(
    servable: Servable, request: MultiInferenceRequest, strict: bool = False
) -> MultiInferenceResponse:
    """Answers several tasks on the same examples, each a classification or a regression."""
    _check_tasks(request.tasks)
    wanted = [_task_outputs(servable, task, strict) for task in request.tasks]
    with _serialized(servable, request.input) as rows:
        answers = await asyncio.gather(
            *(
                servable.run(task.model_spec.signature_name, {examples.INPUTS: rows}, names)
                for task, names in zip(request.tasks, wanted, strict=True)
            )
        )
    response = MultiInferenceResponse()
    for task, outputs in zip(request.tasks, answers, strict=True):
        _add_result(response, servable, task, outputs, len(rows))
    return response


def metadata(servable: Servable) -> GetModelMetadataResponse:
    """Answers with all signatures."""
    response = GetModelMetadataResponse(model_spec=_spec(servable))
    signatures = SignatureDefMap(signature_def=servable.signatures)
    response.metadata[SIGNATURES].Pack(signatures)
    return response


async def _run(
    servable: Servable,
    request: ClassificationRequest | RegressionRequest,
    choose: Callable[[SignatureDef, bool], list[str]],
    strict: bool,
) -> tuple[dict[str, Array], int]:
    """Returns the outputs that `choose` selects, and the number of examples."""
    name = request.model_spec.signature_name
    signature = _signature(servable, name, "No signature was found with the name: ")
    wanted = choose(signature, strict)
    with _serialized(servable, request.input) as rows:
        return await servable.run(name, {examples.INPUTS: rows}, wanted), len(rows)


@contextmanager
def _serialized(servable: Servable, request: Input) -> Iterator[Array]:
    """Yields the examples of a request, within its memory budget."""
    with servable.budget.share() as take:
        take(examples.expansion(request))
        yield examples.serialized(request)


def _check_tasks(tasks: Iterable[InferenceTask]) -> None:
    names = {task.model_spec.name for task in tasks}
    if "" in names:
        raise invalid("Found ModelSpec with an empty model name.")
    if len(names) > 1:
        raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
    seen: set[str] = set()
    for task in tasks:
        signature = task.model_spec.signature_name or DEFAULT_SIGNATURE
        if signature in seen:
            raise invalid(f"Duplicate evaluation of signature: {signature}")
        seen.add(signature)


def _task_outputs(servable: Servable, task: InferenceTask, strict: bool) -> list[str]:
    name = task.model_spec.signature_name
    signature = _signature(servable, name, "Requested signature not found in model graph: ")
    match task.method_name:
        case examples.CLASSIFY:
            return examples.classification_outputs(signature, strict)
        case examples.REGRESS:
            return examples.regression_outputs(signature, strict)
        case other:
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED, f"Unsupported signature method_name: {other}"
            )


def _add_result(
    response: MultiInferenceResponse,
    servable: Servable,
    task: InferenceTask,
    outputs: dict[str, Array],
    count: int,
) -> None:
    spec = _spec(servable, task.model_spec.signature_name)
    if task.method_name == examples.CLASSIFY:
        result = examples.classification(outputs, count)
        response.results.add(model_spec=spec, classification_result=result)
    else:
        response.results.add(model_spec=spec, regression_result=examples.regression(outputs, count))


def _signature(servable: Servable, name: str, complaint: str) -> SignatureDef:
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise invalid(f"{complaint}{name}")
    return servable.signatures[name]


def _spec(servable: Servable, signature: str | None = None) -> ModelSpec:
    """Returns the spec of the version that answered, with the signature if it is named."""
    spec = ModelSpec(name=servable.name)
    spec.version.value = servable.version
    if signature is not None:
        spec.signature_name = signature or DEFAULT_SIGNATURE
    return spec
