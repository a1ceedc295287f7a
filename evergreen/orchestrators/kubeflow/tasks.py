"""The container tasks of the compiled pipeline: their commands, inputs, outputs and resources.

The KFP SDK reads a task's name, inputs and outputs from the signature of a function; hence the
functions inside functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kfp import dsl, kubernetes
from kfp.dsl import HTML, Metrics, Output, OutputPath, PipelineTask

from evergreen.orchestrators.kubeflow.groups import Group
from evergreen.settings.kubeflow import KubeflowSettings, NodeSettings

Task = Any
"""A function that adds a task to a pipeline when called inside it."""
INPUT = "--executor-input={{$}}"
"""The paths of outputs as JSON, in the form of KFP's own components, which all its runners
replace."""


@dataclass(frozen=True)
class Containers:
    """Makes the tasks of one pipeline.

    Attributes:
        settings: The settings of the containers.
        image: The default image.
        options: The options that load the same settings in a container.
    """

    settings: KubeflowSettings
    image: str
    options: Sequence[str]

    def plan(self) -> Task:
        """Returns the task that writes the run record, or takes over a given one."""

        def plan(
            job: str,
            run: str,
            spans: str,
            requested_by: str,
            reason: str,
            experiment: bool,
            hyperparameters: dict,  # type: ignore[type-arg]
            pipeline_root: str,
            record: OutputPath(str),  # type: ignore[valid-type]
            missing: OutputPath(list),  # type: ignore[valid-type]
        ) -> dsl.ContainerSpec:
            return self._container(
                "plan", f"--job={job}", f"--run={run}", f"--spans={spans}",
                f"--requested-by={requested_by}", f"--reason={reason}",
                f"--experiment={experiment}", f"--hyperparameters={hyperparameters}",
                f"--pipeline-root={pipeline_root}",
            )  # fmt: skip

        return dsl.container_component(plan)

    def ingest(self, group: Group) -> Task:
        """Returns a task for nodes of the ingesting half, for one span."""

        def ingest(
            record: str, span: str, page: Output[HTML], metrics: Output[Metrics]
        ) -> dsl.ContainerSpec:
            parts = [f"--run={record}", f"--span={span}", f"--nodes={','.join(group.nodes)}"]
            return self._container("ingest", *parts, group=group)

        return _named(ingest, group.name)

    def first(self, group: Group, gate: Sequence[str]) -> Task:
        """Returns the task of the first training nodes, which decide whether training continues."""

        def first(
            record: str,
            training: OutputPath(str),  # type: ignore[valid-type]
            page: Output[HTML],
            metrics: Output[Metrics],
        ) -> dsl.ContainerSpec:
            nodes = [name for name in group.nodes if name not in gate]
            parts = [f"--run={record}", f"--gate={','.join(gate)}", f"--nodes={','.join(nodes)}"]
            return self._container("train", *parts, group=group)

        return _named(first, group.name)

    def train(self, group: Group) -> Task:
        """Returns a task for nodes of the training half."""

        def train(record: str, page: Output[HTML], metrics: Output[Metrics]) -> dsl.ContainerSpec:
            parts = [f"--run={record}", f"--nodes={','.join(group.nodes)}"]
            return self._container("train", *parts, group=group)

        return _named(train, group.name)

    def finish(self) -> Task:
        """Returns the task that publishes the outcome, however the run ended."""

        def finish(job: str, page: Output[HTML], metrics: Output[Metrics]) -> dsl.ContainerSpec:
            return self._container("finish", f"--job={job}")

        return dsl.container_component(finish)

    def equip(self, task: PipelineTask, asks: NodeSettings) -> PipelineTask:
        """Sets a task's resources, retries, volume and secrets, and turns off KFP's cache."""
        task.set_caching_options(enable_caching=False)
        self._resources(task, asks)
        self._retries(task, asks)
        kubernetes.set_security_context(task, run_as_non_root=True)
        kubernetes.set_image_pull_policy(task, self.settings.image_pull_policy)
        if volume := self.settings.volume:
            kubernetes.mount_pvc(task, pvc_name=volume.claim, mount_path=volume.mount)
        for variable, source in sorted(self.settings.secrets.items()):
            kubernetes.use_secret_as_env(task, source.secret, {source.key: variable})
        for key, value in sorted((asks.node_selector or {}).items()):
            kubernetes.add_node_selector(task, key, value)
        for toleration in asks.tolerations or ():
            given = toleration.model_dump(exclude_defaults=True)
            kubernetes.add_toleration(task, **{"operator": toleration.operator, **given})
        return task

    @staticmethod
    def _resources(task: PipelineTask, asks: NodeSettings) -> None:
        if asks.cpu:
            task.set_cpu_request(asks.cpu)
        if asks.memory:
            task.set_memory_request(asks.memory).set_memory_limit(asks.memory)
        if asks.accelerator:
            task.set_accelerator_type(asks.accelerator.type)
            task.set_accelerator_limit(asks.accelerator.count)

    def _retries(self, task: PipelineTask, asks: NodeSettings) -> None:
        wait = self.settings.backoff
        if asks.retries:
            task.set_retry(asks.retries, f"{wait.seconds}s", wait.factor, f"{wait.max_seconds}s")

    def _container(
        self, command: str, *arguments: str, group: Group | None = None
    ) -> dsl.ContainerSpec:
        own = group.asks.image if group else None
        return dsl.ContainerSpec(
            image=own or self.image,
            command=["python", "-m", "evergreen.orchestrators.kubeflow.entry"],
            args=[command, *self.options, *arguments, *(["--own-image"] if own else []), INPUT],
        )


def _named(function: Any, name: str) -> Task:
    function.__name__ = name
    return dsl.container_component(function)
