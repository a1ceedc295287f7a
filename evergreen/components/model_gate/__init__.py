"""The model gate: decides whether a candidate may be pushed."""
