"""Runs executors on Beam, with a runner that fits their data and this machine."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Any

import tensorflow as tf
from tfx.orchestration.portable import data_types
from tfx.orchestration.portable.beam_executor_operator import BeamExecutorOperator
from tfx.proto.orchestration.execution_result_pb2 import ExecutorOutput
from tfx.proto.orchestration.placeholder_pb2 import PlaceholderExpression

from evergreen.beam_options import Computing, available_cores, choose
from evergreen.lineage.nodes import COMPUTED

OPTIONS_FILE = "PIPELINE_OPTIONS_FILE"

log = logging.getLogger(__name__)


class ChoosingBeamOperator(BeamExecutorOperator):
    """TFX's operator with a runner that is chosen when the node starts.

    The choice is not in the compiled pipeline, whose options are part of each node's cache key: a
    machine with more cores would repeat the same work.
    """

    def run_executor(
        self,
        execution_info: data_types.ExecutionInfo,
        make_beam_pipeline_fn: Callable[[], Any] | None = None,
    ) -> ExecutorOutput:
        """Chooses a runner, runs the executor, and records the choice with the execution."""
        chosen = self._choose(execution_info)
        log.info("%s: computes %s", execution_info.pipeline_node.node_info.id, chosen.told)
        for option in chosen.options:
            added = PlaceholderExpression()
            added.value.string_value = option
            self.beam_pipeline_args.append(added)
        with plugins_for_workers():
            output = super().run_executor(execution_info, make_beam_pipeline_fn)
        output.execution_properties[COMPUTED].string_value = chosen.told
        return output

    def _choose(self, execution_info: data_types.ExecutionInfo) -> Computing:
        given = [argument.value.string_value for argument in self.beam_pipeline_args]
        examples = execution_info.input_dict.get("examples", [])
        size = sum(_size(artifact.uri) for artifact in examples)
        # By columns, one process is faster than Beam with one worker process per core.
        by_columns = getattr(self._executor_cls, "BY_COLUMNS", False)
        return choose(given, size, 1 if by_columns else available_cores())


@contextmanager
def plugins_for_workers() -> Iterator[None]:
    """Issue: Beam 2.77 passes no options to the worker processes that it starts on this machine.

    Solution: a file of options, which they read. They import TFX before TFDV 1.16, which otherwise
    misses a module of tfx-bsl 1.21, and unpickle no more than this process does.
    """
    with NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"options": {"beam_plugins": ["evergreen.orchestrators", "tfx"]}}, file)
        file.flush()
        os.environ[OPTIONS_FILE] = file.name
        try:
            yield
        finally:
            os.environ.pop(OPTIONS_FILE, None)


def _size(uri: str) -> int:
    """Returns the bytes of all files below a folder on any file system."""
    folders = tf.io.gfile.walk(uri)
    files = (os.path.join(folder, name) for folder, _, names in folders for name in names)
    return sum(int(tf.io.gfile.stat(file).length) for file in files)
