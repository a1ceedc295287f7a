"""Compiles the pipeline to a file that Kubeflow Pipelines runs.

    plan -> for each missing span: ingest -> first group -> if training goes on: the other groups
    finish, however that ended

The file depends only on the definition, the settings and the SDK's version, not on data, code or
machine: the same input gives the same bytes.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from kfp import compiler, dsl
from kfp.dsl import PipelineTask

from evergreen.errors import EvergreenError
from evergreen.orchestrators.kubeflow.groups import Group, Grouping, group
from evergreen.orchestrators.kubeflow.outputs import GO_ON
from evergreen.orchestrators.kubeflow.shape import shape_of
from evergreen.orchestrators.kubeflow.tasks import Containers
from evergreen.settings import Settings

MAX_BYTES = 1024 * 1024
"""Of the 1.5 MiB of an object in etcd, a third is left for what Kubeflow adds."""


@dataclass(frozen=True)
class Overlays:
    """The settings to load in the containers.

    Attributes:
        config: Names of environments in `configs/`.
        overrides: `section.key=value` pairs.
    """

    config: Sequence[str] = ()
    overrides: Sequence[str] = ()

    @property
    def options(self) -> list[str]:
        """Returns them as options of the node entry point.

        Raises:
            EvergreenError: If an overlay is a path, which the image does not have.
        """
        for name in self.config:
            if name.endswith((".yaml", ".yml")):
                raise EvergreenError(
                    f"--config {name}: is a file of this machine; the containers do not have it.",
                    hint="Put it into configs/ and give its name: the image is built with it.",
                )
        options = [f"--config={name}" for name in self.config]
        return options + [f"--set={pair}" for pair in self.overrides]


def compile_pipeline(settings: Settings, overlays: Overlays) -> str:
    """Compiles the pipeline of the settings.

    Args:
        settings: The settings.
        overlays: The sources of the settings, so that the containers load the same ones.

    Returns:
        A KFP v2 pipeline as YAML; settings specific to Kubernetes are a second document.

    Raises:
        SettingsError: If the settings name nodes that do not exist.
        EvergreenError: If the result is too large for Kubernetes.
    """
    grouping = group(shape_of(settings), settings.kubeflow)
    options = [f"--use-case={settings.use_case}", *overlays.options]
    containers = Containers(settings.kubeflow, image(settings), options)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pipeline.yaml")
        compiler.Compiler().compile(
            _pipeline(settings, grouping, containers),
            str(file),
            pipeline_name=settings.pipeline.name,
        )
        text = file.read_text()
    if len(text.encode()) > MAX_BYTES:
        raise EvergreenError(
            f"the compiled pipeline has {len(text.encode())} bytes; Kubernetes takes {MAX_BYTES}.",
            hint="Launch more nodes in one container: kubeflow.groups in the settings.",
        )
    return text


def image(settings: Settings) -> str:
    """Returns the image of nodes that do not name another."""
    return settings.kubeflow.image or f"evergreen:{version('evergreen')}"


def _pipeline(
    settings: Settings, grouping: Grouping, containers: Containers
) -> dsl.base_component.BaseComponent:
    @dsl.pipeline(name=settings.pipeline.name, description="Made by kubeflow_runner.py compile.")
    def pipeline(
        run: str = "",
        spans: str = "",
        requested_by: str = "kubeflow",
        reason: str = "started on Kubeflow",
        experiment: bool = False,
        hyperparameters: dict = {},  # type: ignore[type-arg]  # noqa: B006 - a default of KFP
        pipeline_root: str = "",
    ) -> None:
        """Declares the parameters of a run, and its tasks."""
        job, control = dsl.PIPELINE_JOB_ID_PLACEHOLDER, settings.kubeflow.control
        finish = containers.equip(containers.finish()(job=job), control)
        with dsl.ExitHandler(finish, name="run"):
            plan = containers.plan()(
                job=job, run=run, spans=spans, requested_by=requested_by, reason=reason,
                experiment=experiment, hyperparameters=hyperparameters, pipeline_root=pipeline_root,
            )  # fmt: skip
            _nodes(containers.equip(plan, control), grouping, containers)

    return pipeline


def _nodes(plan: PipelineTask, grouping: Grouping, containers: Containers) -> None:
    record = plan.outputs["record"]
    parallelism = containers.settings.parallelism
    with dsl.ParallelFor(plan.outputs["missing"], name="ingest", parallelism=parallelism) as span:
        ingested: dict[str, PipelineTask] = {}
        for group in grouping.ingest:
            _add(group, containers.ingest(group)(record=record, span=span), ingested, containers)
    opening, *rest = grouping.train
    first = containers.first(opening, grouping.gate)(record=record).after(*ingested.values())
    containers.equip(first, opening.asks)
    if rest:
        with dsl.If(first.outputs["training"] == GO_ON, name="train"):
            trained: dict[str, PipelineTask] = {}
            for group in rest:
                _add(group, containers.train(group)(record=record), trained, containers)


def _add(
    group: Group, task: PipelineTask, tasks: dict[str, PipelineTask], containers: Containers
) -> None:
    """Configures a task, and puts it after the upstream tasks in the same scope."""
    tasks[group.name] = containers.equip(task, group.asks)
    task.after(*(tasks[name] for name in group.upstream if name in tasks))
