"""Monitors the serving model's traffic and answers: drift, skew, performance, staleness."""
