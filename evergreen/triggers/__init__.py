"""Continuous training: triggers, the decision about their events, and the controller."""
