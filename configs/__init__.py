"""Settings of the project: `base.yaml`, use cases, and environments."""
