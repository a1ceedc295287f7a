"""Custom TFX components: columnar ExampleGen, the gates, an atomic Pusher."""
