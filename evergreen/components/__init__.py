"""Custom TFX components: columnar ExampleGen, data gate, model gate, atomic Pusher."""
