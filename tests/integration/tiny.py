"""Pipelines of nodes that do next to nothing, to see what orchestrators do with them."""

from collections.abc import Callable
from threading import Barrier

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from evergreen.components.pinned import pinned
from evergreen.runs.plan import Plan
from evergreen.settings import Settings

DURING: list[Callable[[str], None]] = []
"""What happens while Write runs in this process; called with the folder of its output."""


@component
def Write(  # noqa: N802 - a component is a class to its users
    model: OutputArtifact[standard_artifacts.Model], text: Parameter[str]
) -> None:
    """Writes a file; the text `fail` fails."""
    if text == "fail":
        raise ValueError("the text says so")
    for act in DURING:
        act(model.uri)
    with open(f"{model.uri}/text", "w") as file:
        file.write(text)


MEETING = Barrier(2)
"""Where the nodes of `create_pair` wait for each other."""


@component
def Read(  # noqa: N802
    model: InputArtifact[standard_artifacts.Model],
    copy: OutputArtifact[standard_artifacts.Model],
) -> None:
    """Copies the file of Write."""
    with open(f"{model.uri}/text") as source, open(f"{copy.uri}/text", "w") as target:
        target.write(source.read())


@component
def Meet(  # noqa: N802
    model: InputArtifact[standard_artifacts.Model],
    copy: OutputArtifact[standard_artifacts.Model],
    name: Parameter[str],
    meets: Parameter[int],
) -> None:
    """Copies the file of Write, when its sister is there too; the name `fail` fails then."""
    if meets:
        MEETING.wait(timeout=60)
    if name == "fail":
        raise ValueError("the name says so")
    with open(f"{model.uri}/text") as source, open(f"{copy.uri}/text", "w") as target:
        target.write(source.read())


def create_pair(settings: Settings, plan: Plan) -> Pipeline:
    """Write; two nodes that do not need each other; and one after each of them."""
    asked = settings.model.hyperparameters
    write = Write(text="hello")
    nodes = [write]
    for name in (asked["left"], "right"):
        meet = Meet(model=write.outputs["model"], name=name, meets=asked["meet"]).with_id(name)
        nodes += [meet, Read(model=meet.outputs["copy"]).with_id(f"after_{name}")]
    return Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(settings.pipeline.root),
        components=nodes,
        enable_cache=plan.cache,
    )


def create_pipeline(settings: Settings, plan: Plan) -> Pipeline:
    """Write, then Read; with pinned examples, Read takes a pinned artifact instead."""
    write = Write(text=settings.model.hyperparameters["text"])
    source = write.outputs["model"]
    if plan.train and plan.train.pins.examples:
        source = pinned(standard_artifacts.Model, *plan.train.pins.examples)
    return Pipeline(
        pipeline_name="tiny",
        pipeline_root=str(settings.pipeline.root),
        components=[write, Read(model=source)],
        enable_cache=plan.cache,
    )
