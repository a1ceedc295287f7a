"""What the registry tells others, in their own terms."""
