"""The gRPC front: the services of TensorFlow Serving, and the health service."""
