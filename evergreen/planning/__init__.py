"""Turns a request into a run record with spans, baseline and model version."""
