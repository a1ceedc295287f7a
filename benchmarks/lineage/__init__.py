"""How fast a large metadata store is read."""
