"""The embedded model server: TensorFlow Serving's API, with nothing to install."""
