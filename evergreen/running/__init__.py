"""Carries out planned runs, shows their progress, and concludes them."""
