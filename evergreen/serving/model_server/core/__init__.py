"""The core of the server, independent of wire formats."""
