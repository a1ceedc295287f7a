"""The transform graph for raw features, the same in training and serving."""

import tensorflow as tf
import tensorflow_transform as tft

from evergreen.tabular.columns import empty


class Transformer(tf.Module):
    """The graph that Transform wrote, with its vocabulary tables.

    It loads the graph itself, since `transform_features_layer()` is a Keras 2 model and doubles the
    time of the export.

    Attributes:
        spec: The parsing spec for the raw features of the schema.
    """

    def __init__(self, transform_output: tft.TFTransformOutput) -> None:
        """Loads the graph.

        Args:
            transform_output: Transform's output: the graph, and the types of its raw features.

        Raises:
            ValueError: If a raw feature has a fixed shape in the schema, so that a row without it
                could not be served.
        """
        super().__init__()
        self.spec = transform_output.raw_feature_spec()
        fixed = [name for name, spec in self.spec.items() if not _is_optional(spec)]
        if fixed:
            raise ValueError(
                f"schema: features {', '.join(sorted(fixed))} have a fixed shape; "
                "remove `shape`, so that a value may be missing"
            )
        self._graph = tf.saved_model.load(transform_output.transform_savedmodel_dir)

    def transform(self, raw: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
        """Transforms any of the schema's features; absent ones are missing in every row.

        Args:
            raw: By name, each [n, 1] without the missing values.

        Returns:
            All outputs of `preprocessing_fn`, each [n].
        """
        rows = next(iter(raw.values())).dense_shape[0]
        missing = {name: empty(rows, self.spec[name].dtype) for name in self.spec}
        return self._graph.transform_fn(missing | raw)

    def transform_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transforms serialized `tf.Example`s, string [n]; returns the same as `transform`."""
        return self.transform(tf.io.parse_example(examples, self.spec))


def _is_optional(spec: object) -> bool:
    return isinstance(spec, tf.io.VarLenFeature)
