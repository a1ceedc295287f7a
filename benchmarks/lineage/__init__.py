"""Measures how fast a large metadata store is read."""
