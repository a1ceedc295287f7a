"""The stock way: TFX's own taxi example, in one process on this machine.

The nodes are those of `taxi_pipeline_native_keras.py` in `tfx/examples/chicago_taxi_pipeline`,
written and run as in TFX's taxi template (`from tfx import v1 as tfx`, `LocalDagRunner`). The
module file and the data are the example's, as installed. What is not stock is marked *Deviation*,
and told in the page.

Usage: python -m benchmarks.pipeline.stock DATA MODULE_FILE FOLDER STEPS
"""

import os
import sys
from collections.abc import Sequence

import tensorflow_model_analysis as tfma
from absl import logging
from tensorflow_model_analysis.proto import config_pb2
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode

from benchmarks.pipeline.terms import BEAM_ARGS, SLICES, SPLITS


def create_pipeline(data: str, module_file: str, folder: str, steps: int) -> tfx.dsl.Pipeline:
    """The example's pipeline; everything it writes goes below the folder."""
    example_gen = create_example_gen(data)
    statistics_gen = tfx.components.StatisticsGen(examples=example_gen.outputs["examples"])
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"], infer_feature_shape=True
    )
    example_validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        module_file=module_file,
    )
    trainer = tfx.components.Trainer(
        module_file=module_file,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        # Deviation: whole epochs, since that is what ours can be told; the example has 1000 steps.
        train_args=tfx.proto.TrainArgs(num_steps=steps),
        eval_args=tfx.proto.EvalArgs(num_steps=150),
    )
    model_resolver = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = tfx.components.Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=model_resolver.outputs["model"],
        eval_config=eval_config(),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(
                base_directory=os.path.join(folder, "serving")
            )
        ),
    )
    components = [example_gen, statistics_gen, schema_gen, example_validator, transform, trainer]
    return pipeline_of([*components, model_resolver, evaluator, pusher], folder)


def create_example_gen(data: str) -> tfx.components.CsvExampleGen:
    """The example's first node.

    Deviation: three splits instead of two, so that both train on three fifths of the rows and
    evaluate on one.
    """
    splits = [
        tfx.proto.SplitConfig.Split(name=name, hash_buckets=size) for name, size in SPLITS.items()
    ]
    return tfx.components.CsvExampleGen(
        input_base=data,
        output_config=tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=splits)),
    )


def pipeline_of(components: Sequence[BaseNode], folder: str) -> tfx.dsl.Pipeline:
    """A pipeline that writes everything below a folder."""
    return tfx.dsl.Pipeline(
        pipeline_name="taxi",
        pipeline_root=os.path.join(folder, "pipeline"),
        components=list(components),
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            os.path.join(folder, "metadata.sqlite")
        ),
        beam_pipeline_args=list(BEAM_ARGS),
    )


def eval_config() -> tfma.EvalConfig:
    """The example's threshold, on all rows.

    Deviation: ours slices, and has three more metrics; so the same slices, and those metrics.
    """
    threshold = tfma.MetricThreshold(
        value_threshold=tfma.GenericValueThreshold(lower_bound={"value": 0.6}),
        change_threshold=tfma.GenericChangeThreshold(
            direction=tfma.MetricDirection.HIGHER_IS_BETTER, absolute={"value": -1e-10}
        ),
    )
    everything = config_pb2.PerSliceMetricThreshold(
        slicing_specs=[tfma.SlicingSpec()], threshold=threshold
    )
    metrics = [
        tfma.MetricConfig(class_name="BinaryAccuracy", per_slice_thresholds=[everything]),
        tfma.MetricConfig(class_name="ExampleCount"),
        tfma.MetricConfig(class_name="AUC", config='"name": "auc", "num_thresholds": 1000'),
        tfma.MetricConfig(class_name="BinaryCrossentropy"),
    ]
    model_spec = tfma.ModelSpec(
        signature_name="serving_default",
        label_key="tips_xf",
        preprocessing_function_names=["transform_features"],
    )
    slices = [tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[name]) for name in SLICES)]
    return tfma.EvalConfig(
        model_specs=[model_spec],
        slicing_specs=slices,
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    data, module_file, folder, steps = sys.argv[1:]
    tfx.orchestration.LocalDagRunner().run(create_pipeline(data, module_file, folder, int(steps)))
