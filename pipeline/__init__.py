"""The definition of the pipeline, for all use cases."""
