"""Predicts the species of a penguin from its measures."""
