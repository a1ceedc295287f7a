"""The newest answers of one version."""

from collections import defaultdict, deque
from collections.abc import Mapping

MAX_OUTPUTS = 64
"""Numbers of an answer that are looked at, each on its own."""


class Window:
    """What a version answered lately.

    Attributes:
        count: Answers since it is watched, also those that the window has lost.
        failed: Of the answers in the window, which failed.
        seconds: Latencies of those that did not.
        read: Answers whose numbers were looked at, which happens a while after they were given.
        outputs: Values by the names of numbers in answers, one an answer: rows of one request are
            not independent.
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
        """How many failed, of how many."""
        return sum(self.failed), len(self.failed)
