"""Batching options: TensorFlow Serving's BatchingParameters."""

import os
from dataclasses import dataclass

from evergreen.serving.model_server.core.errors import invalid


@dataclass(frozen=True)
class BatchingOptions:
    """TensorFlow Serving's BatchingParameters, with its defaults.

    Attributes:
        max_batch_size: The most rows of a batch, and of a request.
        batch_timeout_micros: How long a batch waits to become full.
        max_enqueued_batches: The most waiting batches of a signature; more are refused.
        num_batch_threads: The most batches that run at the same time, of all models.
        thread_pool_name: A label of the metrics.
        allowed_batch_sizes: Sizes to pad batches to; the last is the largest.
        pad_variable_length_inputs: Whether to pad requests of different lengths into one batch.
        enable_large_batch_splitting: Whether a request may be split into several batches.
        max_execution_batch_size: Rows of a batch, if requests are split; `max_batch_size` if 0.

    Raises:
        ServingError: If they contradict each other (INVALID_ARGUMENT).
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = os.cpu_count() or 1
    thread_pool_name: str = "model_server_batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise invalid(f"{name} must be positive; was {getattr(self, name)}")
        if self.batch_timeout_micros < 0:
            raise invalid(
                f"batch_timeout_micros must be non-negative; was {self.batch_timeout_micros}"
            )
        allowed = self.allowed_batch_sizes
        if list(allowed) != sorted(set(allowed)) or (allowed and allowed[0] < 1):
            raise invalid("allowed_batch_sizes entries must be monotonically increasing")
        if allowed and allowed[-1] != self.batch_rows:
            raise invalid(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{allowed[-1]}; expected {self.batch_rows}"
            )

    @property
    def batch_rows(self) -> int:
        """The most rows of a batch."""
        cut = self.enable_large_batch_splitting and self.max_execution_batch_size
        return min(self.max_batch_size, cut or self.max_batch_size)

    def padded(self, rows: int) -> int:
        """Returns the rows of a padded batch."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)
