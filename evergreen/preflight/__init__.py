"""Checks a use case before a run: what its settings and code declare, then a trial on few rows."""
