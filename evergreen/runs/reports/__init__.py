"""What the gates write down: types, so that nobody reads a sentence to know a number."""
