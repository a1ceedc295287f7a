"""Writes a new use case from a table: profile, proposals, schema, criteria, code."""
