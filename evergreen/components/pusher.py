"""The Pusher node: TFX's own, but with atomic publishing under the planned version."""

import json
from pathlib import Path
from typing import Any

from tfx.components.pusher import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import proto_utils

from evergreen.files.versions import push


class Executor(executor.Executor):
    """Pushes a blessed model to `<base_directory>/<model_version>`.

    TFX's executor takes the version from the clock and copies file by file, so that a server that
    polls the folder can load a partial model, and a repeated push makes a second version.
    """

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Publishes the model if it is blessed; an existing version is left alone.

        Raises:
            EvergreenError: If the version exists and is another training's.
        """
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[specs.PUSH_DESTINATION_KEY], destination)
        config = json.loads(exec_properties[specs.CUSTOM_CONFIG_KEY])
        version = str(config["model_version"])
        target = Path(destination.filesystem.base_directory, version)
        push(Path(self.GetModelPath(input_dict)), target, config["train_key"])
        self._MarkPushed(pushed, pushed_destination=str(target), pushed_version=version)


class Pusher(component.Pusher):
    """Pusher with atomic publishing; `custom_config` holds `model_version` and `train_key`."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
