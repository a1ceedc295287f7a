"""What it takes until an entry point has imported what it needs."""
