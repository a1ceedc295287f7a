"""The same job by others. Each file runs as a script, `FILE LOG LABELS REFERENCE`."""
