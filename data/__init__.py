"""Data sources, one package per data set."""
