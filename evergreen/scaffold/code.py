"""Python code as ruff formats it."""

from collections.abc import Sequence
from textwrap import wrap

from evergreen.texts import visible

WIDTH = 100
MOST = 2000
EXEMPT = "  # " + "noqa: E501"


def call(name: str, arguments: Sequence[str], indent: int = 0) -> str:
    """Returns a call, or a tuple if there is no name: in one line if there is room.

    Args:
        name: The function, with what stands before it in its line, such as `label=Label`.
        arguments: The arguments, each as code.
        indent: The number of spaces before the first line.
    """
    is_tuple = not name or name.endswith(("=", "= "))
    comma = "," if is_tuple and len(arguments) == 1 else ""
    line = f"{name}({', '.join(arguments)}{comma})"
    if indent + len(line) < WIDTH and "\n" not in line:
        return line
    inner = " " * (indent + 4)
    return "\n".join((f"{name}(", *(f"{inner}{item}," for item in arguments), f"{' ' * indent})"))


def prose(text: str, before: str = "") -> str:
    """Returns text for a comment or a docstring, wrapped and without what cannot be printed.

    Args:
        text: The text.
        before: What stands before each line, such as `# `.
    """
    safe = visible(text, MOST).replace("\\", "/").replace('"', "'")
    lines = wrap(safe, WIDTH - len(before), break_long_words=True, break_on_hyphens=False)
    return "\n".join(f"{before}{line}" for line in lines)


def marked(text: str) -> str:
    """Returns code in which lines that cannot be broken are exempted from the limit of length."""
    return "\n".join(
        f"{line}{EXEMPT}" if len(line) > WIDTH and " " in line.strip() else line
        for line in text.split("\n")
    )
