"""Plays past data again through serving, monitoring, triggers and the pipeline."""
