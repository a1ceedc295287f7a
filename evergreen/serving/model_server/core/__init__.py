"""What the server does, with no wire format in it."""
