"""Straight lines: the least that a job takes with the same libraries, and nothing around it."""
