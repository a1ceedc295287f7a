"""Tries a model in a private model server: replays recorded requests and compares answers."""
