"""The data gate: decides whether a span may be trained on."""
