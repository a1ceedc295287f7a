"""The terms that are the same for both sides."""

import math

SPLITS = {"train": 3, "eval": 1, "test": 1}
"""Relative sizes of the splits, in hash buckets: three fifths train, and one is evaluated."""

BATCH = 40
"""Rows in a step of training: what the example's module file has."""

EPOCHS = 4

SLICES = ("payment_type", "trip_start_hour", "pickup_community_area")
"""The slices that Evaluator reports on, besides all rows, as in the settings (`gates.slices`)."""

BEAM_ARGS = ("--runner=FnApiRunner",)
"""Beam in the same process. The example's worker processes are slower on data this small."""

STOCK_NODES = (
    "ExampleGen",
    "StatisticsGen",
    "SchemaGen",
    "ExampleValidator",
    "Transform",
    "Trainer",
    "Evaluator",
    "Pusher",
)
"""The nodes of the example, except for the resolver, whose work is part of the plan in ours."""

STOCKS_NAMES = {"ExampleGen": "CsvExampleGen"}
"""Stock TFX's names of nodes, where they differ."""

RESOLVER = "latest_blessed_model_resolver"

KEPT_NODES = (*STOCK_NODES, "CuratedSchema")
"""The nodes of ours that are compared: stock's, and one that they read."""


def steps(train_rows: int, epochs: int = EPOCHS) -> int:
    """Returns the steps of training that ours takes on a number of rows."""
    return epochs * math.ceil(train_rows / BATCH)
