"""Sources of settings: YAML files, and `--set` overrides whose values are YAML.

Two tags change what is below in a file: `!remove` in place of a value removes its key, and
`!replace` before a mapping puts it in the place of the one there was.

Values are taken literally. OmegaConf would replace `${...}`, also from the environment, so that a
password could get into a run's record: such values are refused.
"""

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf._yaml import get_yaml_loader  # omegaconf 2.4.0: `load` takes no tags of one's own
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from evergreen.errors import SettingsError
from evergreen.settings.explain import Source, Values

INTERPOLATION = "${"
SPECIAL = "*&!%@`|>"
"""Characters that a text in YAML cannot begin with, unless it is quoted."""
PLAIN_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*|(?=\.\d))(\.\d*)?([eE][+-]?\d+)?")
REMOVED = object()
"""The value of a key that is removed."""
AS_MEANT = {None: {"null"}, True: {"true", "True"}, False: {"false", "False"}}


class Replacement(dict[str, Any]):
    """A mapping that takes the place of the one there was."""


class _Loader(get_yaml_loader()):  # type: ignore[misc]
    """Reads YAML without objects, with the tags of settings."""


_Loader.add_constructor("!remove", lambda _, __: REMOVED)
_Loader.add_constructor(
    "!replace", lambda loader, node: Replacement(loader.construct_mapping(node, deep=True))
)


def read(file: Path, project: Path) -> Source:
    """Reads a file.

    Raises:
        SettingsError: If it is not YAML with sections, or contains `${...}`.
    """
    name = str(file.relative_to(project)) if file.is_relative_to(project) else str(file)
    try:
        values = yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    except (YAMLError, OSError, ValueError, IndexError) as error:
        hint = _hint(error, file)
        raise SettingsError(f"{name}: cannot be read as YAML: {error}", hint=hint) from error
    if values is not None and not isinstance(values, dict):
        kind = "a list" if isinstance(values, list) else "one value"
        raise SettingsError(f"{name}: is {kind}; sections with keys were expected.")
    return _taken_as_written(name, values or {})


def parse(pair: str) -> Source:
    """Reads an override, `section.key=value`.

    Raises:
        SettingsError: If it does not have that form, its value is not YAML, or it contains
            `${...}`.
    """
    key, equals, value = pair.partition("=")
    if not equals or not key.strip() or key.startswith(".") or key.endswith("."):
        raise SettingsError(
            f"--set {pair}: is not of the form section.key=value.",
            hint="For example: --set model.hyperparameters.max_epochs=3",
        )
    try:
        values: Any = OmegaConf.to_container(OmegaConf.from_dotlist([pair]))
    except (YAMLError, OmegaConfBaseException, ValueError, IndexError) as error:
        hint = f"Put it into quotes: {_quoted(key, value)}" if value[:1] in SPECIAL else ""
        raise SettingsError(f"--set {pair}: the value is not YAML: {error}", hint=hint) from error
    return _taken_as_written(f"--set {pair}", values)


def remarks(overrides: Sequence[str]) -> Iterator[str]:
    """Yields remarks on overrides whose values YAML may read differently than was meant."""
    for pair in overrides:
        key, _, text = pair.partition("=")
        for value in _leaves(parse(pair)[1]):
            if told := _remark(text.strip(), value):
                as_it_stands = _quoted(key, text.strip())
                yield f"--set {pair}: understood as {told}; as it stands: {as_it_stands}"


def _quoted(key: str, text: str) -> str:
    """Returns the option that shell and YAML read as the literal text."""
    literal = json.dumps(text, ensure_ascii=False)
    # YAML folds line breaks of Unicode, such as U+0085, into spaces.
    written = "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in literal)
    return f"--set {shlex.quote(f'{key}={written}')}"


def _remark(text: str, value: Any) -> str:
    if text.startswith(("'", '"', "[", "{")):
        return ""
    if isinstance(value, str):
        filled = ", in which no variable is filled in" if "$" in value else ""
        return f"the text {value!r}{filled}" if filled or value != text else ""
    if value is None or isinstance(value, bool):
        words = {None: "null, no value", True: "true", False: "false"}[value]
        return "" if text in AS_MEANT[value] else words
    return "" if PLAIN_NUMBER.fullmatch(text) else f"the number {value}"


def _taken_as_written(name: str, values: Values) -> Source:
    for value in _leaves(values):
        if isinstance(value, str) and INTERPOLATION in value:
            raise SettingsError(
                f"{name}: {value!r}: nothing is filled in for ${{...}} in settings.",
                hint="Write the value out. Passwords and tokens are no settings: docs/settings.md "
                "says where each is read from.",
            )
    return name, values


def _leaves(values: Values) -> Iterator[Any]:
    """Yields all values in sections and lists, and keys that could contain `${...}`."""
    held: list[Any] = [values]
    while held:
        value = held.pop()
        if isinstance(value, dict):
            held += [*value.values(), *(key for key in value if INTERPOLATION in str(key))]
        elif isinstance(value, list):
            held += value
        else:
            yield value


def _hint(error: Exception, file: Path) -> str:
    """Returns advice about a value that begins with a special character of YAML."""
    if not isinstance(error, MarkedYAMLError):
        return ""
    lines = file.read_text(errors="replace").splitlines()
    for mark in filter(None, (error.context_mark, error.problem_mark)):
        start = lines[mark.line][mark.column :] if mark.line < len(lines) else ""
        if start and start[0] in SPECIAL:
            first = f"Line {mark.line + 1}: put a value that begins with {start[0]} into quotes"
            return f'{first}, such as "{re.split("[,}#]", start)[0].strip()}"'
    return ""
