"""What a user would pick from PyPI instead, each in an environment of its own."""
