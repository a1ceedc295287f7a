"""The newest answers of one version."""

from collections import defaultdict, deque
from collections.abc import Mapping

MAX_OUTPUTS = 64
"""The most numbers of an answer to evaluate, each separately."""


class Window:
    """The newest answers of a version.

    Attributes:
        count: All answers since the start, including those that left the window.
        failed: Which answers in the window failed.
        seconds: The latencies of the others.
        read: The number of answers with evaluated outputs, which happens some time later.
        outputs: Values by the name of the output number, one per answer, since rows of one request
            are not independent.
    """

    def __init__(self, size: int) -> None:
        self.count = self.read = 0
        self.failed: deque[bool] = deque(maxlen=size)
        self.seconds: deque[float] = deque(maxlen=size)
        self.outputs: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=size))

    def add(self, ok: bool, seconds: float) -> None:
        """Adds an answer."""
        self.count += 1
        self.failed.append(not ok)
        if ok:
            self.seconds.append(seconds)

    def add_outputs(self, values: Mapping[str, float]) -> None:
        """Adds the numbers of an answer, which may have none."""
        self.read += 1
        for name, value in values.items():
            if name in self.outputs or len(self.outputs) < MAX_OUTPUTS:
                self.outputs[name].append(value)

    @property
    def errors(self) -> tuple[int, int]:
        """Returns the number of failures, and of answers."""
        return sum(self.failed), len(self.failed)
