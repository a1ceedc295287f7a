"""Measurements in the form in which they are stored."""

from collections.abc import Callable, Mapping
from itertools import zip_longest

from benchmarks.markdown import Spread
from benchmarks.measure import Measured
from benchmarks.result import Measurement, Stored


class Work(Stored):
    """What a node took of its process.

    Attributes:
        node: The node, by our name.
        seconds: From its start to its end, as ML Metadata or the straight line itself says.
        cpu: Processor seconds of all processes meanwhile.
        before: Resident memory of all processes at its start, in MiB: what imports take, mostly.
        peak: Most resident memory of all processes meanwhile, in MiB.
    """

    node: str
    seconds: float
    cpu: float
    before: float
    peak: float


class Run(Stored):
    """One process.

    Attributes:
        variant: What ran.
        rows: Of its data.
        measured: The whole process, with those that it started.
        work: Its nodes, without imports and what is around them.
    """

    variant: str
    rows: int
    measured: Measured
    work: tuple[Work, ...]

    def of(self, node: str) -> Work | None:
        """The work of a node; None if there is none."""
        return next((work for work in self.work if work.node == node), None)


class Part(Measurement):
    """The runs of one comparison, in the order in which they were made.

    Attributes:
        runs: All rounds of all variants and sizes.
    """

    runs: tuple[Run, ...]

    def of(self, variant: str, rows: int) -> list[Run]:
        """The rounds of a variant at a size."""
        return [run for run in self.runs if (run.variant, run.rows) == (variant, rows)]

    @property
    def sizes(self) -> list[int]:
        """Numbers of rows, rising."""
        return sorted({run.rows for run in self.runs})

    @property
    def variants(self) -> list[str]:
        """What ran, without an order that tells anything."""
        return list(dict.fromkeys(run.variant for run in self.runs))


class Result(Stored):
    """All comparisons that were made; each can be made anew without the others.

    Attributes:
        parts: By name: `pipeline`, `ingestion`, `statistics`, `training`.
    """

    parts: Mapping[str, Part]

    def spread(
        self, part: str, variant: str, rows: int, figure: Callable[[Run], float | None]
    ) -> Spread | None:
        """A figure over all rounds; None if it was not measured."""
        values = self._values(part, variant, rows, figure)
        return Spread.of(values) if values else None

    def ratio(
        self,
        over: tuple[str, str, int],
        under: tuple[str, str, int],
        figure: Callable[[Run], float | None],
    ) -> Spread | None:
        """A figure over another one, round by round; the last round stands for those not made.

        Args:
            over: Part, variant and rows of the one that is divided.
            under: The same of the other.
            figure: Finds it.
        """
        above, below = self._values(*over, figure), self._values(*under, figure)
        if not above or not below:
            return None
        pairs = zip_longest(above, below)
        return Spread.of((a or above[-1]) / (b or below[-1]) for a, b in pairs)

    def _values(
        self, part: str, variant: str, rows: int, figure: Callable[[Run], float | None]
    ) -> list[float]:
        runs = self.parts[part].of(variant, rows) if part in self.parts else []
        values = [figure(run) for run in runs]
        return [value for value in values if value is not None]
