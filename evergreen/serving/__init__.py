"""Serves pushed models: model server, gateway, client, load test."""
