"""The exported model: one module whose signatures share one path from raw features to answer."""

import keras
import tensorflow as tf
import tensorflow_transform as tft

from models.taxi.features import INTEGERS, NUMBERS, RAW_NAMES, TEXTS

_EXAMPLES = tf.TensorSpec([None], tf.string, name="examples")

RAW_SIGNATURE = {
    **{f.name: tf.TensorSpec([None], tf.float32, name=f.name) for f in NUMBERS},
    **{f.name: tf.TensorSpec([None], tf.int64, name=f.name) for f in INTEGERS},
    **{f.name: tf.TensorSpec([None], tf.string, name=f.name) for f in TEXTS},
}


class ServingModule(tf.Module):
    """A trained model behind its transform graph.

    It tracks the variables of the Keras model and not the model, whose own functions would double
    the size of the file and never be used. It loads the transform graph itself, since
    `transform_features_layer()` is a Keras 2 model and doubles the time of the export.

    Attributes:
        transform: The transform graph, with its vocabulary tables.
        variables_: Variables of the Keras model.
    """

    def __init__(self, model: keras.Model, transform_output: tft.TFTransformOutput) -> None:
        """Loads the transform graph.

        Args:
            model: As of `build_model`.
            transform_output: What Transform wrote: the graph, and the types of its raw features.

        Raises:
            ValueError: A raw feature has a fixed shape in the schema, so that a row that lacks it
                could not be served.
        """
        super().__init__()
        self._spec = transform_output.raw_feature_spec()
        fixed = [name for name, spec in self._spec.items() if not _is_optional(spec)]
        if fixed:
            raise ValueError(
                f"schema: features {', '.join(sorted(fixed))} have a fixed shape; "
                "remove `shape`, so that a value may be missing"
            )
        self.transform = tf.saved_model.load(transform_output.transform_savedmodel_dir)
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
        spec = {name: self._spec[name] for name in RAW_NAMES}
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
        return self._transform(tf.io.parse_example(examples, self._spec))

    def _predict(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        transformed = self._transform(raw)
        features = {name: transformed[name] for name in self._model_inputs}
        return {"probabilities": self._answer(features)[:, 0]}

    def _transform(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        """Transforms any of the schema's features; those not given are missing in every row."""
        rows = next(iter(raw.values())).dense_shape[0]
        missing = {name: _nothing(rows, self._spec[name].dtype) for name in self._spec}
        return self.transform.transform_fn(missing | raw)


def export(model: keras.Model, transform_output: tft.TFTransformOutput, folder: str) -> None:
    """Writes a SavedModel with the signatures `serving_default`, `raw` and `transform_features`."""
    module = ServingModule(model, transform_output)
    signatures = {
        "serving_default": module.serving_default,
        "raw": module.raw,
        "transform_features": module.transform_features,
    }
    tf.saved_model.save(module, folder, signatures=signatures)


def _is_optional(spec: object) -> bool:
    return isinstance(spec, tf.io.VarLenFeature)


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


def _nothing(rows: tf.Tensor, dtype: tf.DType) -> tf.SparseTensor:
    empty = tf.zeros([0, 2], tf.int64)
    return tf.SparseTensor(empty, tf.constant([], dtype), tf.stack([rows, 1]))
