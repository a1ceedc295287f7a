"""Measurements in the form in which they are stored."""

from benchmarks.markdown import Spread
from benchmarks.result import Measurement, Stored


class Task(Stored):
    """One container.

    Attributes:
        wall: From the order to start it to its end, in seconds.
        work: Of its nodes, as ML Metadata has it, in seconds.
    """

    wall: float
    work: float

    @property
    def overhead(self) -> float:
        """What the container took besides its nodes, in seconds."""
        return self.wall - self.work


class Round(Stored):
    """Everything, once.

    Attributes:
        imports: What a container that launches nodes imports, in a container, in seconds.
        start: Of a container that does nothing, in seconds.
        compiling: Of the pipeline, in a process that has imported what it needs, in seconds.
        compiling_process: The whole process of `kubeflow_runner.py compile`, in seconds.
        tasks: By name.
    """

    imports: float
    start: float
    compiling: float
    compiling_process: float
    tasks: dict[str, Task]


class Result(Measurement):
    """All rounds.

    Attributes:
        document: Size of the compiled file in bytes.
        rounds: One after the other.
    """

    document: int
    rounds: tuple[Round, ...]

    @property
    def names(self) -> list[str]:
        """The containers that launch nodes."""
        return [name for name, task in self.rounds[0].tasks.items() if task.work]

    def overhead(self, name: str) -> Spread:
        """What a container takes besides its nodes, of the time of its imports."""
        return Spread.of(
            measured.tasks[name].overhead / measured.imports for measured in self.rounds
        )
