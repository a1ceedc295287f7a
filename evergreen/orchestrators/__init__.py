"""Orchestrators: each runs the compiled pipeline somewhere. They plug in by entry point."""
