"""Serving, compared: with calls in process, with and without batching and gateway, with others."""
