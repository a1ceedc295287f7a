"""Exports the model registry to other registries."""
