"""The Evaluator node: TFX's own, but by columns if that gives the same figures."""

from pathlib import Path
from typing import Any

from google.protobuf import wrappers_pb2  # noqa: F401 - TFMA 0.52 needs it, and does not import it
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.evaluator import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import json_utils, path_utils, proto_utils

from evergreen.beam_options import on_this_machine
from evergreen.components.evaluator import labelled
from evergreen.evaluation.request import Asked

MODULES = ("module_file", "module_path")
REFINEMENTS = (
    *MODULES,
    "feature_slicing_spec",
    "fairness_indicator_thresholds",
)
EXTRACTORS = "custom_extractors"  # the function that TFX's executor takes TFMA's extractors from
UNLABELLED = "unlabelled"
"""The property of an evaluation with the number of rows left out."""


class Executor(executor.Executor):
    """Gets columns of predictions from the models, and slices and measures them with NumPy.

    TFMA handles each row separately, once for each slice and metric: 1 to 2 ms per row. If more
    than a task's metrics on slices of one feature is requested, or Beam has workers elsewhere,
    TFX's own executor does the work. Rows without a label are left out; TFMA refuses them.
    """

    BY_COLUMNS = True

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes TFMA's files: its configuration, and the metrics of all slices."""
        config = self._config(input_dict, exec_properties)
        asked = config and Asked.of(config)
        if asked:
            self._compute(asked, config, input_dict, output_dict, exec_properties)
        else:
            own = any(exec_properties.get(name) for name in MODULES)
            leave_out = {} if own else {EXTRACTORS: f"{labelled.__name__}.{EXTRACTORS}"}
            super().Do(input_dict, output_dict, exec_properties | leave_out)

    def _config(
        self, inputs: dict[str, list[Artifact]], properties: dict[str, Any]
    ) -> config_pb2.EvalConfig | None:
        """Returns the configuration, with TFMA's defaults; None if Beam must compute it."""
        given = [properties.get(name) for name in REFINEMENTS]
        text = properties.get(specs.EVAL_CONFIG_KEY)
        refined = any(
            json_utils.loads(item) if isinstance(item, str) and item else item for item in given
        )
        if not on_this_machine(self._beam_pipeline_args) or refined or not text:
            return None
        if inputs.get(specs.SCHEMA_KEY) or not inputs.get(specs.MODEL_KEY):
            return None
        import tensorflow_model_analysis as tfma

        config = config_pb2.EvalConfig()
        proto_utils.json_to_proto(text, config)
        return tfma.utils.update_eval_config_with_defaults(
            config, has_baseline=bool(inputs.get(specs.BASELINE_MODEL_KEY)), rubber_stamp=True
        )

    @staticmethod
    def _compute(
        asked: Asked,
        config: config_pb2.EvalConfig,
        inputs: dict[str, list[Artifact]],
        outputs: dict[str, list[Artifact]],
        properties: dict[str, Any],
    ) -> None:
        from evergreen.components.evaluator.slices import slices
        from evergreen.components.evaluator.writer import write
        from evergreen.components.predictions import predict

        splits = json_utils.loads(properties.get(specs.EXAMPLE_SPLITS_KEY) or "null") or ["eval"]
        folders = [
            Path(artifact_utils.get_split_uri([examples], split))
            for split in splits
            for examples in inputs[specs.EXAMPLES_KEY]
        ]
        candidate = _model(inputs, specs.MODEL_KEY)
        baseline = _model(inputs, specs.BASELINE_MODEL_KEY) if asked.baseline is not None else None
        predictions = predict(candidate, baseline, folders, asked.label, asked.features, asked.task)
        target = Path(artifact_utils.get_single_uri(outputs[specs.EVALUATION_KEY]))
        models = {asked.candidate: str(candidate)}
        if baseline:
            models[str(asked.baseline)] = str(baseline)
        write(target, config, models, slices(asked, predictions))
        evaluation = artifact_utils.get_single_instance(outputs[specs.EVALUATION_KEY])
        evaluation.set_int_custom_property(UNLABELLED, predictions.unlabelled)


class Evaluator(component.Evaluator):
    """Evaluator that works by columns where possible."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)


def _model(inputs: dict[str, list[Artifact]], key: str) -> Path:
    artifact = artifact_utils.get_single_instance(inputs[key])
    return Path(path_utils.serving_model_path(artifact.uri))
