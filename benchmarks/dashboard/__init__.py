"""Measures how fast the pages of the dashboard are."""
