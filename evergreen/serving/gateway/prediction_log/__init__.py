"""The log of all predictions: queued in memory, then parsed and written by a separate thread."""
