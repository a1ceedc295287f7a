"""Compiles plans to TFX's intermediate representation (IR), which any orchestrator can run."""

from pathlib import Path
from typing import TYPE_CHECKING

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from evergreen.lineage.artifacts import DATA_DIGEST
from evergreen.planning.identity import check_unchanged, project_code
from evergreen.runs.digests import digest_files
from evergreen.runs.nodes import TRAINER, TRANSFORM
from evergreen.runs.plan import Plan
from evergreen.settings import Settings, load_function

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


def compile_plan(settings: Settings, plan: Plan) -> pipeline_pb2.Pipeline:
    """Builds and compiles the pipeline of a plan.

    Every node gets digests as additional parameters, which are part of its cache key and its
    record: of the code it runs, including the project's own components, and of the files that its
    parameters name. (TFX's own key covers the content of `module_file`, but not what a function
    imports.)

    Raises:
        SettingsError: If the factory named in the settings cannot be imported.
        EvergreenError: If code, lock or schema changed since the plan was made.
    """
    check_unchanged(settings, plan.digests)
    factory = load_function("pipeline.factory", settings.pipeline.factory)
    pipeline: Pipeline = factory(settings, plan)
    ir = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(
        ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: plan.pipeline_run}
    )
    deployment = runner_utils.extract_local_deployment_config(ir)
    for node in (node.pipeline_node for node in ir.nodes):
        executor = runner_utils.extract_executor_spec(deployment, node.node_info.id)
        _add_digests(node, plan, executor_class(executor))
    if plan.rerun_from:
        _choose_caching(ir, plan.rerun_from)
    return ir


def executor_class(executor: object) -> str:
    """Returns the path of the class that does a node's work; empty if there is none."""
    # Executors that run on Beam are wrapped.
    return str(getattr(getattr(executor, "python_executor_spec", executor), "class_path", ""))


def _choose_caching(ir: pipeline_pb2.Pipeline, rerun_from: str) -> None:
    """Turns the cache off from the node on that is to be rerun."""
    anew = {rerun_from}
    for node in (node.pipeline_node for node in ir.nodes):  # in topological order
        if anew & {*node.upstream_nodes}:
            anew.add(node.node_info.id)
        caching = node.execution_options.caching_options
        caching.enable_cache = node.node_info.id not in anew


def _add_digests(node: pipeline_pb2.PipelineNode, plan: Plan, executor: str) -> None:
    parameters = node.parameters.parameters
    digests = {"platform_digest": plan.digests.platform, "lock_digest": plan.digests.lock}
    if plan.train:
        digests["use_case_digest"] = plan.digests.use_case
        if node.node_info.id == TRAINER:  # so that each training makes its own model
            digests["train_key"] = plan.train.train_key
        if node.node_info.id == TRANSFORM and plan.digests.use_case_data:
            digests[DATA_DIGEST] = plan.digests.use_case_data
    if own := project_code(executor).files:
        digests["code_digest"] = digest_files(own)
    for name, value in parameters.items():
        file = Path(value.field_value.string_value)
        if file.is_absolute() and file.is_file():
            digests[f"{name}_digest"] = digest_files({file.name: file})
    for name, digest in digests.items():
        parameters[name].field_value.string_value = digest
