"""Settings of the project: `base.yaml` and its overlays."""
