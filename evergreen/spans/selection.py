"""Selections of spans by number, such as `1-3,5`."""

import re
from pathlib import Path

from evergreen.errors import DataError
from evergreen.spans.layout import Span, list_spans, used_versions
from evergreen.spans.manifest import MAX_SPAN

_PART = re.compile(r"(\d+)(?:-(\d+))?", re.ASCII)


def parse_selection(text: str) -> list[int]:
    """Parses numbers and inclusive ranges, such as `1-3,5`, into sorted, distinct numbers.

    Raises:
        DataError: A part is not a number or a range from 1 to 99999, or a range runs backwards.
    """
    ranges = [_parse_part(part.strip(), text) for part in text.split(",")]
    return sorted(set().union(*ranges))


def _parse_part(part: str, text: str) -> range:
    match = _PART.fullmatch(part)
    hint = "Write span numbers and ranges, such as 1-3,5."
    if not match:
        raise DataError(f"{part!r} in span selection {text!r} is not a number or range", hint=hint)
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise DataError(
            f"range {part!r} in span selection {text!r} runs backwards",
            hint=f"Did you mean {last}-{first}?",
        )
    if first < 1 or last > MAX_SPAN:
        raise DataError(
            f"{part!r} in span selection {text!r} is out of range",
            hint=f"Span numbers go from 1 to {MAX_SPAN}.",
        )
    return range(first, last + 1)


def format_selection(numbers: list[int]) -> str:
    """Writes sorted, distinct numbers as a selection: the inverse of `parse_selection`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ",".join("-".join(map(str, run)) for run in runs)


def select(root: Path, text: str) -> list[Span]:
    """Returns the latest version of each selected span, by number.

    Raises:
        DataError: The selection is malformed, or names spans that are missing or incomplete.
    """
    wanted = parse_selection(text)
    spans = {span.number: span for span in list_spans(root)}
    missing = [number for number in wanted if number not in spans]
    if not missing:
        return [spans[number] for number in wanted]
    unfinished = [number for number in missing if used_versions(root, number)]
    detail = f" ({format_selection(unfinished)} incomplete)" if unfinished else ""
    exist = f"Spans that exist: {format_selection(list(spans))}." if spans else "It holds no spans."
    raise DataError(
        f"no span {format_selection(missing)} under {root}{detail}",
        hint=f"{exist} Publish the missing ones or change the selection {text!r}.",
    )
