"""Runs a compiled pipeline as the file says: order, loops, conditions, retries, the exit task.

Kubeflow Pipelines' own local runner knows neither retries nor exit tasks, and takes loops out of
their order. What a task runs, and what the placeholders in it stand for, is KFP's own code.
"""

import json
import re
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.local import executor_input_utils, executor_output_utils, placeholder_utils
from kfp.pipeline_spec import pipeline_spec_pb2

Execute = Callable[[str, int, list[str]], int]
"""Runs the command of a task in a container: its name, the number of the try, the words; returns
the exit code."""
Values = Mapping[str, Any]
SUCCEEDED, FAILED, SKIPPED, OMITTED = "Succeeded", "Failed", "Skipped", "Omitted"


class Driver:
    """One run of a compiled pipeline.

    Attributes:
        tries: How often each task was started, in the order of their first start.
        states: How each task ended that was not inside of a loop.
        outputs: What each task put out, newest first for those in loops; metrics by their name.
    """

    def __init__(self, text: str, execute: Execute, folder: Path, job: str) -> None:
        spec = next(yaml.safe_load_all(text))
        self._executors = spec["deploymentSpec"]["executors"]
        self._root = spec["root"]
        self._components = spec["components"]
        self._execute = execute
        self._folder = folder
        self._job = job
        self.tries: dict[str, int] = {}
        self.states: dict[str, str] = {}
        self.outputs: dict[str, dict[str, Any]] = {}

    def run(self, **parameters: Any) -> str:
        """Runs the pipeline with parameters; returns how it ended."""
        known = self._root["inputDefinitions"]["parameters"]
        values = {name: parameter["defaultValue"] for name, parameter in known.items()} | parameters
        return self._dag(self._root["dag"], values, "run")

    def folder(self, task: str) -> Path:
        """Where the outputs of a task are."""
        return self._folder / task

    def _dag(self, dag: Mapping[str, Any], values: Values, path: str) -> str:
        tasks = dag["tasks"]
        order = {name: tasks[name].get("dependentTasks", []) for name in sorted(tasks)}
        ended: dict[str, str] = {}
        for name in TopologicalSorter(order).static_order():
            always = tasks[name].get("triggerPolicy", {}).get("strategy")
            if not always and any(ended[before] != SUCCEEDED for before in order[name]):
                ended[name] = OMITTED
            else:
                ended[name] = self._task(name, tasks[name], values, path)
            self.states[name] = ended[name]
        return FAILED if {FAILED, OMITTED} & set(ended.values()) else SUCCEEDED

    def _task(self, name: str, task: Mapping[str, Any], values: Values, path: str) -> str:
        inputs = task.get("inputs", {}).get("parameters", {})
        given = {key: self._resolve(source, values) for key, source in inputs.items()}
        if not _holds(task.get("triggerPolicy", {}).get("condition", ""), given):
            return SKIPPED
        component = self._components[task["componentRef"]["name"]]
        if "parameterIterator" in task:
            loop = task["parameterIterator"]
            items = given[loop["items"]["inputParameter"]]
            # Backwards: what runs at the same time must not depend on an order.
            ended = [
                self._dag(component["dag"], {**given, loop["itemInput"]: item}, f"{path}/{item}")
                for item in reversed(items)
            ]
            return FAILED if FAILED in ended else SUCCEEDED
        if "dag" in component:
            return self._dag(component["dag"], given, path)
        return self._container(name, task, component, given, path)

    def _resolve(self, source: Mapping[str, Any], values: Values) -> Any:
        if "taskOutputParameter" in source:
            wanted = source["taskOutputParameter"]
            return self.outputs[wanted["producerTask"]][wanted["outputParameterKey"]]
        if "componentInputParameter" in source:
            return values[source["componentInputParameter"]]
        return source["runtimeValue"]["constant"]

    def _container(
        self, name: str, task: Mapping[str, Any], component: Any, given: dict[str, Any], path: str
    ) -> str:
        spec = json_format.ParseDict(component, pipeline_spec_pb2.ComponentSpec())
        root = self._folder / path / name
        asked = executor_input_utils.construct_executor_input(spec, given, str(root), True)
        container = self._executors[component["executorLabel"]]["container"]
        words = placeholder_utils.replace_placeholders(
            full_command=[*container["command"], *container["args"]],
            executor_input_dict=executor_input_utils.executor_input_to_dict(asked, spec),
            pipeline_resource_name="run",
            task_resource_name=name,
            pipeline_root=str(self._folder),
            unique_pipeline_id=self._job,
        )
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1 + task.get("retryPolicy", {}).get("maxRetryCount", 0)):
            self.tries[name] = self.tries.get(name, 0) + 1
            if self._execute(name, number, words) == 0:
                self.outputs[name] = _outputs(asked, spec)
                return SUCCEEDED
        return FAILED


def _outputs(asked: Any, spec: Any) -> dict[str, Any]:
    """Reads what a container put out as KFP does."""
    found = executor_output_utils.get_outputs_for_task(asked, spec)
    artifacts = asked.outputs.artifacts
    pages = {name: Path(artifact.artifacts[0].uri) for name, artifact in artifacts.items()}
    return found | {name: file.read_text() for name, file in pages.items() if file.is_file()}


def _holds(condition: str, values: Values) -> bool:
    if not condition:
        return True
    found = re.fullmatch(r"inputs\.parameter_values\['([^']+)'\]\s*== '([^']*)'", condition)
    assert found, f"the driver does not know this condition: {condition}"
    return json.dumps(values[found[1]]) == json.dumps(found[2])
