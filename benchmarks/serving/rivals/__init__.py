"""Alternatives that a user would pick from PyPI, each in its own environment."""
