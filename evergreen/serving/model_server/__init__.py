"""The embedded model server: TensorFlow Serving's API without an installation."""
