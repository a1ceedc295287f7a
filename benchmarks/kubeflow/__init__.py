"""Measures the cost of containers for nodes: compiling, starting, importing."""
