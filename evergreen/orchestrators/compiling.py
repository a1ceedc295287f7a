"""From a plan to TFX's intermediate representation (IR), ready to be run anywhere."""

from importlib import import_module
from typing import TYPE_CHECKING

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from evergreen.errors import SettingsError
from evergreen.planning.plan import Plan
from evergreen.settings import Settings

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


def compile_plan(settings: Settings, plan: Plan) -> pipeline_pb2.Pipeline:
    """Builds and compiles the pipeline of a plan.

    Every node gets the digests of the code it runs as a parameter: a part of its cache key and of
    its record. (TFX's own key sees `module_file` contents only, not what an installed function
    imports.)

    Raises:
        SettingsError: If the factory named in the settings cannot be imported.
    """
    pipeline: Pipeline = _factory(settings)(settings, plan)
    ir = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(
        ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: plan.pipeline_run}
    )
    for node in ir.nodes:
        _set_parameters(node.pipeline_node, _digests(plan))
    return ir


def _digests(plan: Plan) -> dict[str, str]:
    digests = plan.digests
    common = {
        "platform_digest": digests.platform,
        "lock_digest": digests.lock,
        "schema_digest": digests.table_schema,
    }
    return common | ({"use_case_digest": digests.use_case} if plan.train else {})


def _set_parameters(node: pipeline_pb2.PipelineNode, values: dict[str, str]) -> None:
    for key, value in values.items():
        node.parameters.parameters[key].field_value.string_value = value


def _factory(settings: Settings):  # type: ignore[no-untyped-def]
    module, _, function = settings.pipeline.factory.replace(":", ".").rpartition(".")
    try:
        return getattr(import_module(module), function)
    except (ModuleNotFoundError, AttributeError) as error:
        raise SettingsError(
            f"pipeline.factory = {settings.pipeline.factory}: {error}.",
            hint="It names a function create_pipeline(settings, plan) of an installed module.",
        ) from error
