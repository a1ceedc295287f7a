"""Inputs that are fixed by artifact id.

TFX's own way to use an artifact of an earlier run is a resolver that finds "the latest" when the
node runs. A resumed or repeated run would then find another artifact than before.
"""

from tfx.types import Artifact
from tfx.types.channel import BaseChannel

# TFX 1.21 compiles artifact ids into the IR (`InputSpec.static_inputs`) only for this class; its
# launcher resolves them for any node. Replace it when TFX has a public channel for this.
from tfx.types.channel_utils import ChannelForTesting


def pinned(artifact_type: type[Artifact], *ids: int | None) -> BaseChannel | None:
    """Returns a channel of the artifacts with these ids, in that order; None without ids."""
    known = [id_ for id_ in ids if id_ is not None]
    return ChannelForTesting(artifact_type, artifact_ids=known) if known else None
