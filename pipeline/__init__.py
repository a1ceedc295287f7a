"""The definition of the pipeline: `graph.py`, and its `criteria.py`."""
