"""Processes that work for Beam's runners on other machines."""
