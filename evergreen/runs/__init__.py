"""Run records, plans, and the digests of all that decides a run's result."""
