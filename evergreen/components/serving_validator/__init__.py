"""The serving validator: decides whether an exported model serves as its clients expect."""

from evergreen.components.serving_validator.criteria import ServingCriteria

__all__ = ["ServingCriteria"]
