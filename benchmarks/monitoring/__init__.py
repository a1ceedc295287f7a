"""Monitoring a million logged predictions, beside Evidently and plain pandas."""
