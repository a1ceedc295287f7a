"""Publishes folders and files completely or not at all, and removes them safely."""

from evergreen.files.paths import identity, is_open_to_others, pattern_in
from evergreen.files.publication import (
    abandoned,
    digest_tree,
    file_digest,
    has_model,
    is_locked,
    private_folder,
    publish_folder,
    remove_abandoned,
    sync,
    sync_tree,
    write_file,
)
from evergreen.files.removal import TRASH, OutsideError, Trash, below, renew

__all__ = [
    "TRASH",
    "OutsideError",
    "Trash",
    "abandoned",
    "below",
    "digest_tree",
    "file_digest",
    "has_model",
    "identity",
    "is_locked",
    "is_open_to_others",
    "pattern_in",
    "private_folder",
    "publish_folder",
    "remove_abandoned",
    "renew",
    "sync",
    "sync_tree",
    "write_file",
]
