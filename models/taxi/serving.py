"""The exported model: one module whose signatures share one path from raw features to answer."""

import keras
import tensorflow as tf

from models.taxi.features import INTEGERS, NUMBERS, RAW_NAMES, TEXTS
from models.taxi.transforming import Transformer

_EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")

RAW_SIGNATURE = {
    **{f.name: tf.TensorSpec([None], tf.float32, name=f.name) for f in NUMBERS},
    **{f.name: tf.TensorSpec([None], tf.int64, name=f.name) for f in INTEGERS},
    **{f.name: tf.TensorSpec([None], tf.string, name=f.name) for f in TEXTS},
}


class ServingModule(tf.Module):
    """A trained model behind its transform graph.

    It tracks the variables of the Keras model and not the model, whose own functions would double
    the size of the file and never be used.

    Attributes:
        transformer: The transform graph.
        variables_: Variables of the Keras model.
    """

    def __init__(self, model: keras.Model, transformer: Transformer) -> None:
        """Puts both together.

        Args:
            model: As of `build_model`.
            transformer: The graph that its training rows went through.
        """
        super().__init__()
        self.transformer = transformer
        self.variables_ = [variable.value for variable in model.variables]
        # Called through a function, since TensorFlow would track a model that is an attribute.
        self._answer = lambda features: model(features, training=False)
        self._model_inputs = [tensor.name for tensor in model.inputs]

    @tf.function(input_signature=[_EXAMPLES])
    def serving_default(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predicts from serialized `tf.Example`s without tips and key.

        Args:
            examples: string [n]. An absent feature is a missing value.

        Returns:
            `probabilities`: float32 [n]. Rank 1, so that a REST client of TF Serving gets a list
            of numbers and not of lists; TFMA's binary metrics take it as well.
        """
        spec = {name: self.transformer.spec[name] for name in RAW_NAMES}
        return self._predict(tf.io.parse_example(examples, spec))

    @tf.function(input_signature=[RAW_SIGNATURE])
    def raw(self, features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Predicts from one tensor a feature, what a REST client can write by hand.

        Args:
            features: `RAW_SIGNATURE`, each [n]. A missing value is NaN for float32, -1 for int64,
                and empty for string.

        Returns:
            As `serving_default`.
        """
        return self._predict({name: _sparse(values) for name, values in features.items()})

    @tf.function(input_signature=[_EXAMPLES])
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transforms serialized `tf.Example`s as for training, label included.

        Args:
            examples: string [n]. A row without tips gets the label -1.

        Returns:
            All outputs of `preprocessing_fn`, each [n].
        """
        return self.transformer.transform_examples(examples)

    def _predict(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        transformed = self.transformer.transform(raw)
        features = {name: transformed[name] for name in self._model_inputs}
        return {"probabilities": self._answer(features)[:, 0]}


def export(model: keras.Model, transformer: Transformer, folder: str) -> None:
    """Writes a SavedModel with the signatures `serving_default`, `raw` and `transform_features`."""
    module = ServingModule(model, transformer)
    signatures = {
        "serving_default": module.serving_default,
        "raw": module.raw,
        "transform_features": module.transform_features,
    }
    tf.saved_model.save(module, folder, signatures=signatures)


def _sparse(values: tf.Tensor) -> tf.SparseTensor:
    """Leaves out the values that stand for missing ones."""
    if values.dtype == tf.string:
        present = values != ""
    elif values.dtype == tf.int64:
        present = values != -1
    else:
        present = ~tf.math.is_nan(values)
    rows = tf.where(present)
    indices = tf.concat([rows, tf.zeros_like(rows)], axis=1)
    shape = [tf.size(values, out_type=tf.int64), 1]
    return tf.SparseTensor(indices, tf.boolean_mask(values, present), shape)
