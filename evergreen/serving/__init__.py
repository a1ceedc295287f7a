"""Serving pushed models: server, gateway, client, load test."""
