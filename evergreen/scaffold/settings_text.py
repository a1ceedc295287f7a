"""Values as YAML, in the notation that a person would choose."""

import json
import re
from collections.abc import Mapping

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*( [A-Za-z0-9_]+)*")
WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"}
INTERPOLATION = "${"


def flow(value: object) -> str:
    """Returns a value in one line: lists in brackets, mappings in braces."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        is_plain = PLAIN.fullmatch(value) and value.lower() not in WORDS
        return value if is_plain else json.dumps(value, ensure_ascii=not value.isprintable())
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return repr(value)


def is_writable(name: str) -> bool:
    """Returns whether settings can name a column: they fill in nothing for `${...}`."""
    return INTERPOLATION not in name
