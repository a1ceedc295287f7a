"""TFX's Evaluator, which computes the metrics of a binary classifier by columns."""
