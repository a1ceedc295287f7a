"""Evaluates a model's answers, for gates, monitors, reports and pages alike."""
