"""The models of this project, one package per use case."""
