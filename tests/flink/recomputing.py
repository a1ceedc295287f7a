"""Computes again, in this process, what a node of a run has computed elsewhere."""

from copy import deepcopy
from pathlib import Path

from tfx.components.evaluator.executor import Executor as Evaluator
from tfx.components.transform.executor import Executor as Transform
from tfx.orchestration import metadata
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.types import Artifact

from evergreen.components.statistics_gen import Executor as StatisticsGen
from evergreen.lineage.store import connection_config
from tests.project import Project, Ran

LOCAL = ["--beam_plugin=tfx", "--runner=FnApiRunner", "--sdk_container_image=none"]
EXECUTORS = {"StatisticsGen": StatisticsGen, "Transform": Transform, "Evaluator": Evaluator}
Uris = dict[str, Path]


def recompute(project: Project, ran: Ran, part: str, node: str, folder: Path) -> tuple[Uris, Uris]:
    """Runs a node's executor once more, on the artifacts and properties that the node had.

    Returns:
        Where its outputs are, by key: those of the run, and those made here.
    """
    id_ = ran.nodes[part][node].execution_id
    with metadata.Metadata(connection_config(project.settings.metadata)) as handle:
        inputs = execution_lib.get_input_artifacts(handle, id_)
        outputs = execution_lib.get_output_artifacts(handle, id_)
        [execution] = handle.store.get_executions_by_id([id_])
    properties = {
        name: getattr(value, value.WhichOneof("value"))
        for name, value in execution.custom_properties.items()
    }
    mine = {key: [_moved(artifact, folder / key) for artifact in of] for key, of in outputs.items()}
    executor = EXECUTORS[node]
    context = executor.Context(LOCAL, tmp_dir=str(folder / "tmp"), unique_id="1")
    executor(context).Do(inputs, mine, properties)
    return _uris(outputs), _uris(mine)


def _moved(artifact: Artifact, folder: Path) -> Artifact:
    folder.mkdir(parents=True)
    moved = deepcopy(artifact)
    moved.uri = str(folder)
    return moved


def _uris(artifacts: dict[str, list[Artifact]]) -> Uris:
    return {key: Path(of[0].uri) for key, of in artifacts.items()}
