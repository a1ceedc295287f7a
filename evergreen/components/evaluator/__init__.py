"""Evaluator: TFX's own, whose figures of a binary classifier are computed by columns."""
