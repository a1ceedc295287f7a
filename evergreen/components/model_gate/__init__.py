"""The model gate: decides whether a candidate may be pushed."""

from evergreen.components.model_gate.criteria import Bound, Criteria, NotWorse, Slicing

__all__ = ["Bound", "Criteria", "NotWorse", "Slicing"]
