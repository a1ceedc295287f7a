"""Classification and regression: `tf.Example`s in, classes or values out."""

from collections.abc import Mapping

import grpc
import numpy as np
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.regression_pb2 import RegressionResult

from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.tensors import Array

INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def expansion(request: Input) -> int:
    """Returns the bytes by which the context, copied to each example, expands the request."""
    listed = request.example_list_with_context
    return listed.context.ByteSize() * max(len(listed.examples) - 1, 0)


def serialized(request: Input) -> Array:
    """Returns the serialized examples of a request, each preceded by the context: [n].

    Raises:
        ServingError: If there are none (INVALID_ARGUMENT).
    """
    context = b""
    if request.WhichOneof("kind") == "example_list_with_context":
        listed = request.example_list_with_context
        # Two consecutive serialized messages are one with the fields of both.
        context, examples = listed.context.SerializeToString(), listed.examples
    else:
        examples = request.example_list.examples
    if not examples:
        raise invalid("Input is empty.")
    array = np.empty(len(examples), object)
    array[:] = [context + example.SerializeToString() for example in examples]
    return array


def classification_outputs(signature: SignatureDef, strict: bool) -> list[str]:
    """Returns the outputs of a signature that make a classification.

    Args:
        signature: Has one input, "inputs", and the outputs "classes" or "scores" or both.
        strict: Whether to refuse another method name: TensorFlow 2 names all methods "predict".

    Raises:
        ServingError: If it is not a classification signature.
    """
    _check_method(signature, strict, "classification", CLASSIFY)
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    _check_input(signature, "classification")
    found = [name for name in (CLASSES, SCORES) if name in signature.outputs]
    if not found:
        raise _unfit(
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {signature}'
        )
    return found


def regression_outputs(signature: SignatureDef, strict: bool) -> list[str]:
    """Returns the outputs of a signature that make a regression; like `classification_outputs`."""
    _check_method(signature, strict, "regression", REGRESS)
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    _check_input(signature, "regression")
    if OUTPUTS not in signature.outputs:
        raise _unfit(f"No regression outputs found in SignatureDef: {signature}")
    return [OUTPUTS]


def classification(outputs: Mapping[str, Array], count: int) -> ClassificationResult:
    """Makes a result from "classes" (strings) and "scores" (float32), both [n, classes].

    Raises:
        ServingError: If the outputs have another form (INVALID_ARGUMENT).
    """
    for name, kind, dtype in ((CLASSES, "DT_STRING", object), (SCORES, "DT_FLOAT", np.float32)):
        if name in outputs:
            _check_matrix(outputs[name], name, kind, np.dtype(dtype), count)
    widths = [array.shape[1] for array in outputs.values()]
    if len(set(widths)) > 1:
        raise invalid(
            f"Tensors class and score should match in dim_size(1). Got {widths[0]} vs. {widths[1]}"
        )
    result = ClassificationResult()
    labels = outputs[CLASSES].tolist() if CLASSES in outputs else [[b""] * widths[0]] * count
    scores = outputs[SCORES].tolist() if SCORES in outputs else [[0.0] * widths[0]] * count
    for row_labels, row_scores in zip(labels, scores, strict=True):
        row = result.classifications.add()
        for label, score in zip(row_labels, row_scores, strict=True):
            row.classes.add(label=_text(label), score=score)
    return result


def regression(outputs: Mapping[str, Array], count: int) -> RegressionResult:
    """Makes a result from "outputs" (float32), [n] or [n, 1].

    Raises:
        ServingError: If the outputs have another form (INVALID_ARGUMENT).
    """
    values = outputs[OUTPUTS]
    if values.ndim != 1 and values.shape[1:] != (1,):
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(values.shape)}"
        )
    if len(values) != count:
        raise invalid(
            f"Input batch size did not match output batch size: {count} vs. {len(values)}"
        )
    if values.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {values.dtype}")
    result = RegressionResult()
    for value in values.ravel().tolist():
        result.regressions.add(value=value)
    return result


def _check_method(signature: SignatureDef, strict: bool, kind: str, expected: str) -> None:
    if strict and signature.method_name != expected:
        raise invalid(
            f"Expected {kind} signature method_name to be {expected}. Was: {signature.method_name}"
        )


def _check_input(signature: SignatureDef, kind: str) -> None:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if INPUTS not in signature.inputs:
        raise _unfit(f"No {kind} inputs found in SignatureDef: {signature}")


def _check_matrix(
    array: Array, name: str, kind: str, dtype: np.dtype[np.generic], count: int
) -> None:
    if array.ndim != 2:  # noqa: PLR2004 - rows and classes
        raise invalid(
            f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
        )
    if array.dtype != dtype:
        raise invalid(f"Expected {name} Tensor of {kind}. Got: {array.dtype}")
    if len(array) != count:
        raise invalid(f"Expected {name} output batch size of {count}. Got: {len(array)}")


def _text(label: bytes) -> str:
    """Decodes a label: on the wire labels are strings, so it must be UTF-8."""
    try:
        return label.decode()
    except UnicodeDecodeError as error:
        raise invalid(f"class label {label!r} is not UTF-8") from error


def _unfit(message: str) -> ServingError:
    return ServingError(grpc.StatusCode.FAILED_PRECONDITION, message)
