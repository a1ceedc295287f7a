"""The serving validator: decides whether an exported model serves as its clients expect."""
