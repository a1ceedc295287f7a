"""The pipeline against stock TFX: the same rows, the same nodes, the same number of steps."""
