"""Measures the time until an entry point has imported what it needs."""
