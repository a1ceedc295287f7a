"""A client of model servers that takes rows of data and returns arrays."""

from evergreen.serving.client.client import Client
from evergreen.serving.client.signatures import Signature, Spec

__all__ = ["Client", "Signature", "Spec"]
