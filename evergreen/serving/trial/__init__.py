"""A model server of one's own, to try a model: recorded requests, and answers compared."""
