"""Runs executors on Beam as their data and this machine ask for, and tells how."""

import logging
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tfx.orchestration.portable import data_types
from tfx.orchestration.portable.beam_executor_operator import BeamExecutorOperator
from tfx.proto.orchestration.execution_result_pb2 import ExecutorOutput
from tfx.proto.orchestration.placeholder_pb2 import PlaceholderExpression

from evergreen.computing import Computing, available_cores, choose
from evergreen.lineage.nodes import COMPUTED

log = logging.getLogger(__name__)


class ChoosingBeamOperator(BeamExecutorOperator):
    """TFX's operator with a runner that is chosen when the node starts.

    Not in the compiled pipeline, whose options are a part of each node's cache key: the same work
    on a machine with more cores would be done again.
    """

    def run_executor(
        self,
        execution_info: data_types.ExecutionInfo,
        make_beam_pipeline_fn: Callable[[], Any] | None = None,
    ) -> ExecutorOutput:
        """Chooses, runs the executor, and has the choice recorded with its execution."""
        chosen = self._choose(execution_info)
        log.info("%s: computes %s", execution_info.pipeline_node.node_info.id, chosen.told)
        for option in chosen.options:
            added = PlaceholderExpression()
            added.value.string_value = option
            self.beam_pipeline_args.append(added)
        output = super().run_executor(execution_info, make_beam_pipeline_fn)
        output.execution_properties[COMPUTED].string_value = chosen.told
        return output

    def _choose(self, execution_info: data_types.ExecutionInfo) -> Computing:
        given = [argument.value.string_value for argument in self.beam_pipeline_args]
        examples = execution_info.input_dict.get("examples", [])
        size = sum(_size(artifact.uri) for artifact in examples)
        return choose(given, size, available_cores())


def _size(uri: str) -> int:
    """Bytes of all files below a folder, wherever it is."""
    folders = tf.io.gfile.walk(uri)
    files = (os.path.join(folder, name) for folder, _, names in folders for name in names)
    return sum(int(tf.io.gfile.stat(file).length) for file in files)
