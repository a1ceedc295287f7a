"""Predicts whether the tip of a Chicago taxi trip is more than 20 % of its fare."""
