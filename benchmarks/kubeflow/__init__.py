"""What it costs that each node has a container: compiling, starting, importing."""
