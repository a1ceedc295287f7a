"""The gateway between clients and model servers: canary, A/B, shadow traffic, prediction log."""
