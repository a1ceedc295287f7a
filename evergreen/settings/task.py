"""What a model predicts."""

from enum import StrEnum


class Task(StrEnum):
    """The kind of answer that a model gives."""

    BINARY = "binary"  # the probability of label 1
    MULTICLASS = "multiclass"  # a probability for each class
    REGRESSION = "regression"  # a number
