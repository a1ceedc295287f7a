"""The definition of the pipeline, read top to bottom: `graph.py`, and its `criteria.py`."""
