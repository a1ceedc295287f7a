"""Reads and writes ML Metadata: runs, nodes, ingested spans, models and their stages."""
