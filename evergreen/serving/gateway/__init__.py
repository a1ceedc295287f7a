"""The door that clients use: canary, A/B, shadow traffic, and a log of every prediction."""
