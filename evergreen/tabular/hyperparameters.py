"""Hyperparameters of the model and its training, with defaults that did well."""

from collections.abc import Mapping
from math import log2
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from evergreen.errors import closest

_STEPS = 32
_SMALLEST_BATCH, _LARGEST_BATCH = 16, 256


class HyperParameters(BaseModel):
    """Hyper-parameters of `perceptron`; unknown names and values out of range are refused.

    Attributes:
        hidden_units: Widths of the hidden layers.
        dropout: Share of each hidden layer's outputs that is dropped in training; if null, half,
            and none in a regression, whose numbers it would shrink towards their mean.
        learning_rate: Step size of Adam.
        batch_size: Rows per step; if null, a power of two from 16 to 256 that gives an epoch some
            32 steps, or more.
        max_epochs: The most passes over the training rows.
        patience: Epochs without a better loss on the eval split before training stops.
        seed: The seed of initial weights, shuffling and dropout.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hidden_units: tuple[Annotated[int, Field(ge=1)], ...] = (64, 32)
    dropout: float | None = Field(None, ge=0.0, lt=1.0)
    learning_rate: float = Field(1e-3, gt=0.0)
    batch_size: int | None = Field(None, ge=1)
    max_epochs: int = Field(60, ge=1)
    patience: int = Field(4, ge=1)
    seed: int = Field(0, ge=0)

    @classmethod
    def from_config(cls, config: Mapping[str, object] | None) -> Self:
        """Reads the `custom_config` of Trainer.

        Args:
            config: Values by name; None or an absent name takes the default.

        Raises:
            ValueError: A name is unknown (the message suggests a near one), or a value is invalid.
        """
        config = config or {}
        unknown = sorted(set(config) - set(cls.model_fields))
        if unknown:
            raise ValueError("; ".join(_unknown(name, list(cls.model_fields)) for name in unknown))
        return cls.model_validate(config)

    def batch(self, rows: int) -> int:
        """Returns the rows per step of a training on a number of rows."""
        nearest = 2 ** round(log2(max(rows, 1) / _STEPS))
        return self.batch_size or min(max(nearest, _SMALLEST_BATCH), _LARGEST_BATCH)


def _unknown(name: str, known: list[str]) -> str:
    near = closest(name, known)
    hint = f"did you mean {near!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown hyper-parameter {name!r}: {hint}"
