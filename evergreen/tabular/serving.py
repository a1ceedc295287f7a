"""The exported model: a module whose signatures share one path from raw features to answers."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from evergreen.settings.task import Task
from evergreen.tabular.columns import cast, sparse
from evergreen.tabular.features import Feature, Integer, Number
from evergreen.tabular.table import Table
from evergreen.tabular.transformer import Transformer

EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")


def raw_signature(
    table: Table, spec: Mapping[str, tf.io.VarLenFeature]
) -> dict[str, tf.TensorSpec]:
    """Returns the inputs of the signature `raw`: one tensor [n] per feature.

    Numbers are float32; float64 if the schema has whole numbers, which clients then write into
    `tf.Example`s as such. Other features have the type of the schema, but that whole numbers for
    which -1 is a value like others are float64, too: in int64, -1 is a missing value.

    Args:
        table: The declaration.
        spec: The parsing spec of the schema's features.
    """
    return {
        feature.name: tf.TensorSpec(
            [None], _raw_type(feature, spec[feature.name].dtype), name=feature.name
        )
        for feature in table.features
    }


def _raw_type(feature: Feature, dtype: tf.DType) -> tf.DType:
    holds_missing = isinstance(feature, Integer) and feature.low < 0
    if isinstance(feature, Number) or holds_missing:
        return tf.float64 if dtype == tf.int64 else tf.float32
    return dtype


class ServingModule(tf.Module):
    """A trained model behind its transform graph.

    It tracks the variables of the Keras model and not the model, whose own functions would double
    the size of the file and never be used.

    Attributes:
        transformer: The transform graph.
        variables_: Variables of the Keras model.
    """

    def __init__(self, table: Table, model: keras.Model, transformer: Transformer) -> None:
        """Combines model and transform graph.

        Args:
            table: The declaration.
            model: Maps transformed features by name to the answer: probabilities or numbers [n, 1],
                or probabilities of classes [n, classes].
            transformer: The graph that transformed its training rows.
        """
        super().__init__()
        self.transformer = transformer
        self.variables_ = [variable.value for variable in model.variables]
        # Called through a function, since TensorFlow would track a model that is an attribute.
        self._answer: Callable[[Any], Any] = lambda features: model(features, training=False)
        self._model_inputs = [tensor.name for tensor in model.inputs]
        self._raw_names = table.raw_names
        self._task = table.label.task

    @tf.function(input_signature=[EXAMPLES])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts from serialized `tf.Example`s without label and key.

        Args:
            examples: string [n]. An absent feature is a missing value.

        Returns:
            `probabilities`: float32 [n], of the label 1; or, of a multiclass task, [n, classes], in
            the order of the label's classes. `predictions`: float32 [n], of a regression. Rank 1,
            so that a REST client of TF Serving gets a list of numbers and not of lists; TFMA's
            binary metrics accept it as well.
        """
        spec = {name: self.transformer.spec[name] for name in self._raw_names}
        return self._predict(tf.io.parse_example(examples, spec))

    def raw(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Predicts from one tensor per feature, which a REST client can write by hand.

        Args:
            features: As in `raw_signature`. A missing value is NaN for floats, -1 for int64, and
                empty for string.

        Returns:
            As for `serving_default`.
        """
        return self._predict(
            {
                name: cast(sparse(values), self.transformer.spec[name].dtype)
                for name, values in features.items()
            }
        )

    @tf.function(input_signature=[EXAMPLES])
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transforms serialized `tf.Example`s as for training, label included.

        Args:
            examples: string [n]. A row without a label gets NaN.

        Returns:
            All outputs of `preprocessing_fn`, each [n].
        """
        return self.transformer.transform_examples(examples)

    def _predict(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        transformed = self.transformer.transform(raw)
        features = {name: transformed[name] for name in self._model_inputs}
        answer = self._answer(features)
        if self._task is Task.MULTICLASS:
            return {"probabilities": answer}
        name = "probabilities" if self._task is Task.BINARY else "predictions"
        return {name: answer[:, 0]}


def export(table: Table, model: keras.Model, transformer: Transformer, folder: str) -> None:
    """Writes a SavedModel with the signatures `serving_default`, `raw` and `transform_features`."""
    module = ServingModule(table, model, transformer)
    signatures = {
        "serving_default": module.serving_default,
        "raw": tf.function(module.raw, input_signature=[raw_signature(table, transformer.spec)]),
        "transform_features": module.transform_features,
    }
    tf.saved_model.save(module, folder, signatures=signatures)
