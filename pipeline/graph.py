"""The pipeline, defined once for every orchestrator."""

from tfx.components.example_validator.component import ExampleValidator
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2
from tfx.types import standard_artifacts

from evergreen.components.data_gate.component import DataGate
from evergreen.components.evaluator.component import Evaluator
from evergreen.components.example_gen.component import ExampleGen
from evergreen.components.model_gate.component import ModelGate
from evergreen.components.pinned import pinned
from evergreen.components.pusher import Pusher
from evergreen.components.serving_validator.component import ServingValidator
from evergreen.components.statistics_gen import StatisticsGen
from evergreen.evaluation.config import eval_config
from evergreen.quality.schema import column_kinds, load_curated
from evergreen.runs import nodes
from evergreen.runs.plan import IngestPlan, Plan, TrainPlan
from evergreen.settings import Settings

SPLIT = "test"
"""The split that gates and reports use."""


def create_pipeline(settings: Settings, plan: Plan) -> Pipeline:
    """Builds the half of the pipeline that a plan needs: ingest a span, or train on a window.

    Args:
        settings: The project's settings.
        plan: The plan, with its inputs pinned by artifact id.
    """
    components = ingest(settings, plan.ingest) if plan.ingest else train(settings, plan.train)
    return Pipeline(
        pipeline_name=settings.pipeline.name,
        pipeline_root=str(settings.pipeline.root),
        components=components,
        enable_cache=plan.cache,
        beam_pipeline_args=settings.beam.args,
    )


def ingest(settings: Settings, plan: IngestPlan) -> list[BaseComponent]:
    """Ingests one span: examples, statistics, schema, anomalies, and the data gate's verdict."""
    span = plan.span
    schema = curated_schema(settings)
    examples = ExampleGen(
        span_path=str(span.path),
        span=span.number,
        version=span.version,
        sha256=span.sha256,
        columns=column_types(settings),
        key=settings.data.key,
        splits=settings.data.splits,
        compression=settings.data.compression,
        missing=list(settings.data.missing),
        beam_args=settings.beam.workers,
    ).with_id(nodes.EXAMPLE_GEN)
    statistics = StatisticsGen(examples=examples.outputs["examples"]).with_id(nodes.STATISTICS_GEN)
    # Not used by the gate: the schema that the data suggests, to compare the curated schema with.
    inferred = SchemaGen(statistics=statistics.outputs["statistics"]).with_id(nodes.SCHEMA_GEN)
    anomalies = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    ).with_id(nodes.EXAMPLE_VALIDATOR)
    gate = DataGate(
        examples=examples.outputs["examples"],
        statistics=statistics.outputs["statistics"],
        anomalies=anomalies.outputs["anomalies"],
        schema=schema.outputs["schema"],
        rejected=examples.outputs["rejected"],
        rejected_share=settings.data.rejected_share,
        ingest_key=span.ingest_key,
        series=settings.data_series,
        previous_in_window=int(plan.previous_in_window),
        previous_statistics=pinned(standard_artifacts.ExampleStatistics, plan.previous_statistics),
        window_statistics=pinned(standard_artifacts.ExampleStatistics, *plan.window_statistics),
    ).with_id(nodes.DATA_GATE)
    return [schema, examples, statistics, inferred, anomalies, gate]


def train(settings: Settings, plan: TrainPlan) -> list[BaseComponent]:
    """Trains on a window of ingested spans: transform, train, evaluate, decide, validate, push."""
    schema = curated_schema(settings)
    examples = pinned(standard_artifacts.Examples, *plan.pins.examples)
    transform = Transform(
        examples=examples,
        schema=schema.outputs["schema"],
        preprocessing_fn=settings.model.preprocessing_fn,
        splits_config=transform_pb2.SplitsConfig(analyze=["train"]),
        analyzer_cache=pinned(standard_artifacts.TransformCache, plan.pins.analyzer_cache),
        disable_statistics=True,
        materialize=False,  # Trainer transforms its rows by the graph that serves
    ).with_id(nodes.TRANSFORM)
    trainer = Trainer(
        run_fn=settings.model.run_fn,
        examples=examples,
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        train_args=trainer_pb2.TrainArgs(splits=["train"]),
        eval_args=trainer_pb2.EvalArgs(splits=["eval"]),
        custom_config=dict(settings.model.hyperparameters),
    ).with_id(nodes.TRAINER)
    baseline = plan.baseline
    baseline_model = pinned(standard_artifacts.Model, baseline and baseline.artifact_id)
    evaluator = Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        baseline_model=baseline_model,
        eval_config=eval_config(
            settings.model.label,
            settings.gates.slices,
            has_baseline=baseline is not None,
            task=settings.model.task,
        ),
        example_splits=[SPLIT],
    ).with_id(nodes.EVALUATOR)
    gate = ModelGate(
        examples=examples,
        model=trainer.outputs["model"],
        evaluation=evaluator.outputs["evaluation"],
        criteria=settings.gates.model.model_dump_json(),
        label=settings.model.label,
        split=SPLIT,
        task=settings.model.task.value,
        classes=list(settings.model.classes),
        baseline_version=baseline.version if baseline else 0,
        baseline_model=baseline_model,
    ).with_id(nodes.MODEL_GATE)
    validator = ServingValidator(
        examples=examples,
        model=trainer.outputs["model"],
        schema=schema.outputs["schema"],
        criteria=settings.gates.serving.model_dump_json(),
        model_server=str(settings.serving.model_server or ""),
        model_name=settings.model.name,
        split=SPLIT,
        key=settings.data.key,
        task=settings.model.task.value,
        classes=list(settings.model.classes),
        baseline_version=baseline.version if baseline else 0,
        baseline_model=baseline_model,
    ).with_id(nodes.SERVING_VALIDATOR)
    components = [schema, transform, trainer, evaluator, gate, validator]
    if plan.model_version is not None:
        config = {"model_version": plan.model_version, "train_key": plan.train_key}
        components.append(pusher(settings, config, gate, validator))
    return components


def pusher(
    settings: Settings, config: dict[str, int | str], gate: BaseComponent, validator: BaseComponent
) -> BaseComponent:
    """Publishes a model that both gates blessed, with the requests it was validated with."""
    folder = pusher_pb2.PushDestination.Filesystem(base_directory=str(settings.serving.base_path))
    return Pusher(
        model_blessing=gate.outputs["blessing"],
        infra_blessing=validator.outputs["blessing"],
        push_destination=pusher_pb2.PushDestination(filesystem=folder),
        custom_config=config,
    ).with_id(nodes.PUSHER)


def curated_schema(settings: Settings) -> BaseComponent:
    """Imports the curated schema as an artifact."""
    file = str(settings.data.table_schema)
    return ImportSchemaGen(schema_file=file).with_id(nodes.CURATED_SCHEMA)


def column_types(settings: Settings) -> dict[str, str]:
    """Returns the type of each column of the curated schema: `FLOAT`, `INT` or `BYTES`."""
    return column_kinds(load_curated(settings.data.table_schema))
