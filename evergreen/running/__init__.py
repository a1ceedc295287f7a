"""Runs what was planned, shows it while it runs, and says what came of it."""
