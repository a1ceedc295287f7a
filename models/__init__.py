"""The models of this project: one package a use case."""
