"""Watches what the serving model sees and says: drift, skew, performance, staleness."""
