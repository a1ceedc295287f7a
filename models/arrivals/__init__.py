"""Predicts, at take-off, by how many minutes a flight from New York will arrive late."""
