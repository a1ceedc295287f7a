"""Replays past data through serving, monitoring, triggers and the pipeline."""
