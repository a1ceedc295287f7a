"""Conditions on the content of the store, the only place where ML Metadata filters are written.

`ml-metadata` (1.17.1) parses a filter, writes SQL from it, and gets literals wrong: a literal with
both kinds of quotes ends early in SQLite, which executes the rest; a backslash never matches; a
literal that is named like a column, such as `name`, is read as that column. Filters here contain no
such literals, and `check` examines every request to a store, also those that TFX sends.
"""

import re
from collections.abc import Iterator, Sequence
from typing import LiteralString, Self

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from ml_metadata.metadata_store import ListOptions, OrderByField
from ml_metadata.proto import metadata_store_pb2 as mlmd

from evergreen.errors import EvergreenError
from evergreen.exit_codes import ExitCode

Value = int | str | Sequence[int]
COLUMNS = (
    "artifact_id|bool_value|byte_value|context_id|create_time_since_epoch|data_type|description"
    "|double_value|event_id|execution_id|external_id|id|input_type|int_value|is_custom_property"
    "|is_index_step|last_known_state|last_update_time_since_epoch|milliseconds_since_epoch|name"
    "|output_type|parent_context_id|parent_type_id|proto_value|schema_version|seq|state"
    "|step_index|step_key|string_value|type|type_id|type_kind|uri|version"
)
"""Column names of the store's tables (ml-metadata 1.17.1), as a pattern."""
LONGEST = 1000
"""The longest literal, in characters."""
_LITERAL = r"""'[^'"`\\]*'|"[^'"`\\]*\""""
_FILTER = re.compile(rf"(?:[A-Za-z0-9_ .,()=<>!]|-(?=\d)|{_LITERAL})*")


class UnfitError(EvergreenError):
    """Raised for a text or number that the store cannot be searched for."""

    exit_code = ExitCode.WRONG


class Filter:
    """A condition; `&` joins two.

        Filter("type = ? AND id > ?", TYPE, 7) & Filter("name LIKE ?", "taxi/%")

    In a pattern for LIKE, `%` and `_` are wildcards: check the results again if a name may contain
    them.
    """

    def __init__(self, template: LiteralString, *values: Value) -> None:
        """Inserts values into a template.

        Args:
            template: Has a `?` for each value. Must be a constant.
            values: Texts, whole numbers, or a sequence of numbers for `IN ?`.

        Raises:
            UnfitError: If a text has a quote, a backslash or an unprintable character, or is the
                name of a column; if a number has more than 64 bits.
        """
        literals = iter([_literal(value) for value in values])
        self.text = re.sub(r"\?", lambda _: next(literals), template)

    @classmethod
    def has(cls, key: LiteralString, value: int | str) -> Self:
        """Returns the condition that a custom property has a value."""
        kind: LiteralString = "int_value" if isinstance(value, int) else "string_value"
        return cls("custom_properties." + key + "." + kind + " = ?", value)

    def __and__(self, other: "Filter") -> "Filter":
        """Returns the condition that both hold."""
        both = Filter("")
        both.text = f"({self.text}) AND ({other.text})"
        return both

    def options(self, *, newest_first: bool = False, limit: int | None = None) -> ListOptions:
        """Returns the options for a listing method of the store.

        Args:
            newest_first: Sorts by id, the newest first; otherwise the order is undefined.
            limit: The greatest number of results.
        """
        order = OrderByField.ID if newest_first else None
        return ListOptions(
            limit=limit, order_by=order, is_asc=not newest_first, filter_query=self.text
        )

    def restrict(self, start: mlmd.LineageSubgraphQueryOptions.StartingNodes) -> None:
        """Sets the nodes that a graph query starts from."""
        start.filter_query = self.text


def check(request: Message) -> None:
    """Checks a request to the store.

    Raises:
        UnfitError: If a filter has a literal that could hide SQL, or a text has an unprintable
            character: for SQLite a name ends at a zero byte.
    """
    for name, text in _texts(request):
        if not text.isprintable() or (name == "filter_query" and not _is_harmless(text)):
            raise _unfit(text)


def is_fit(text: str) -> bool:
    """Returns whether a text can stand in a filter."""
    return (
        text.isprintable()
        and len(text) <= LONGEST
        and not re.search(r"""['"`\\]""", text)
        and not re.fullmatch(COLUMNS, text, re.IGNORECASE)
    )


def _is_harmless(query: str) -> bool:
    literals = re.findall(_LITERAL, query)
    return bool(_FILTER.fullmatch(query)) and all(is_fit(literal[1:-1]) for literal in literals)


def _texts(message: Message) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        if field.type not in (FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_STRING):
            continue
        for part in (
            value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        ):
            if isinstance(part, Message):
                yield from _texts(part)
            else:
                yield field.name, part


def _literal(value: Value) -> str:
    if isinstance(value, str):
        if not is_fit(value):
            raise _unfit(value)
        return f"'{value}'"
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise UnfitError(f"{str(value)[:60]} is too large a number to look for.")
        return str(int(value))
    return f"({', '.join(map(_literal, value))})"


def _unfit(text: str) -> UnfitError:
    return UnfitError(
        f"{text[:60]!r} cannot be looked for in the metadata store.",
        hint="Names there have no quotes, no backslashes and nothing unprintable, and are not"
        " called like one of its columns, such as `name`.",
    )
