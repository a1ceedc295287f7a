"""Criteria for served models."""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_RECORDS = 1000  # TensorFlow Serving refuses models with more warm-up records

Positive = Annotated[float, Field(gt=0)]


class ServingCriteria(BaseModel):
    """All criteria for a served model.

    The budgets are generous: they stop a model of another kind than before, and not one that is a
    little slower on a busy machine. The taxi model takes 2 ms and 720 MB.

    Attributes:
        signatures: The signatures that clients use; the others are compared with the first.
        rows: The number of rows of the test split in requests.
        batch_sizes: The numbers of rows per request; 1 first, for measuring latency.
        tolerance: The greatest difference of two answers to the same request: absolute up to 1,
            relative above. Kernels add float32 numbers in another order for another batch size.
        p95_ms: Budget for 95 % of the requests with one row, in milliseconds.
        memory_mb: Budget for the peak resident memory of the model server, in MiB.
        load_seconds: Time to load the model and to warm it up, in seconds. The start of the server,
            with its import of TensorFlow, does not count.
        answer_seconds: Time for any single answer, in seconds.
        may_break: The serving version whose clients may break, because they are prepared. It names
            the version, so that it lapses with the next one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    signatures: tuple[str, ...] = Field(default=("serving_default", "raw"), min_length=1)
    rows: int = Field(default=64, ge=1)
    batch_sizes: tuple[Annotated[int, Field(ge=1)], ...] = (1, 8, 64)
    tolerance: float = Field(default=1e-5, ge=0)
    p95_ms: Positive = 100.0
    memory_mb: Positive = 2048.0
    load_seconds: Positive = 120.0
    answer_seconds: Positive = 30.0
    may_break: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _can_be_recorded(self) -> Self:
        if self.batch_sizes[:1] != (1,):
            raise ValueError("batch_sizes begins with 1: latency is measured with one row")
        requests = sum(math.ceil(self.rows / size) for size in self.batch_sizes)
        records = requests * len(self.signatures)
        if records > MAX_RECORDS:
            raise ValueError(
                f"{records} requests are more than the {MAX_RECORDS} that TensorFlow Serving "
                "takes for warm-up: name fewer rows or batch_sizes"
            )
        return self
