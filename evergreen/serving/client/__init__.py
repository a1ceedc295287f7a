"""Asks a model server, in the terms of the data: rows in, arrays out."""

from evergreen.serving.client.client import Client
from evergreen.serving.client.signatures import Signature, Spec

__all__ = ["Client", "Signature", "Spec"]
