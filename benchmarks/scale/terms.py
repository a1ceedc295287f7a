"""The comparisons, with their sizes and repetitions."""

from dataclasses import dataclass, replace

from benchmarks.pipeline import terms

EPOCHS = 1
"""So that training grows with the rows as all else does."""

STOCK, OURS, LIMIT = "stock TFX", "ours", "limit"
ONE_CORE, GZIP = ", one core", ", gzip"
SMALL, MEDIUM, LARGE, HUGE = 15_000, 150_000, 1_500_000, 15_000_000

NODES = ("ExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator")
"""Nodes whose work grows with the rows."""


def steps(rows: int) -> int:
    """Returns the steps of one epoch on the rows that train, up to the chance of the hash."""
    shares = terms.SPLITS
    return terms.steps(round(rows * shares["train"] / sum(shares.values())), EPOCHS)


@dataclass(frozen=True)
class Size:
    """How often a size is measured.

    Attributes:
        rows: The size.
        ours: Rounds of ours and of the limits.
        stock: Rounds of stock; none where it would take hours.
    """

    rows: int
    ours: int
    stock: int

    def at_most(self, rounds: int | None) -> "Size":
        """The same in so many rounds, if they are fewer."""
        if rounds is None:
            return self
        return replace(self, ours=min(self.ours, rounds), stock=min(self.stock, rounds))

    def of(self, variant: str) -> int:
        """Rounds of a variant; none of gzip at the largest size, where it tells nothing new."""
        if GZIP in variant and self.rows == HUGE:
            return 0
        return self.stock if variant == STOCK else self.ours


SHORT_PARTS = ("pipeline", "ingestion")
"""The comparisons of a short measurement; the others' nodes are among those of the pipeline."""

SHORT = {
    "pipeline": (Size(SMALL, 1, 1),),
    "ingestion": (Size(MEDIUM, 1, 1),),
    "statistics": (Size(MEDIUM, 1, 0),),
    "training": (Size(SMALL, 1, 0),),
}
FULL = {
    "pipeline": (Size(SMALL, 3, 3), Size(MEDIUM, 3, 3), Size(LARGE, 2, 1)),
    "ingestion": (Size(MEDIUM, 3, 3), Size(LARGE, 3, 0), Size(HUGE, 1, 0)),
    "statistics": (Size(SMALL, 3, 0), Size(MEDIUM, 3, 0), Size(LARGE, 2, 0), Size(HUGE, 1, 0)),
    "training": (Size(SMALL, 3, 0), Size(MEDIUM, 3, 0), Size(LARGE, 2, 0)),
}
