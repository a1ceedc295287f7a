"""Where a failure came from: the last frame in the project's own code."""

import re
import sysconfig
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import evergreen

FRAME = re.compile(r'File "([^"\n]+)", line (\d+)(?:, in (\S+))?')
"""A frame as Python prints it: Beam and AutoGraph put those of other threads into the message."""
LIBRARIES = tuple(
    {
        str(Path(path).resolve())
        for path in (
            *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
            *evergreen.__path__,
        )
    }
)
GENERATED = re.compile(r"__autograph_generated_file|^<")
MOST = 600
"""The longest message, in characters."""


@dataclass(frozen=True)
class Frame:
    """A place in code."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        """Returns the place as a person would look it up."""
        file, here = Path(self.file), Path.cwd()
        shown = file.relative_to(here) if file.is_relative_to(here) else file
        within = f", in {self.function}" if self.function else ""
        return f"{shown}, line {self.line}{within}"

    @property
    def is_own(self) -> bool:
        """Whether it is in the project's code, not in a library's or Evergreen's."""
        if GENERATED.search(self.file):
            return False
        file = Path(self.file).resolve()
        return file.is_file() and not any(file.is_relative_to(folder) for folder in LIBRARIES)


def place(error: BaseException) -> Frame | None:
    """Returns the last frame of an error that is in the project's code; None if there is none."""
    own = [frame for frame in _frames(error) if frame.is_own]
    return own[-1] if own else None


def describe(error: BaseException) -> str:
    """Returns the type, the message and the place of an error."""
    found = place(error)
    told = _said(error)
    return f"{told} ({found})" if found else told


def _frames(error: BaseException) -> Iterator[Frame]:
    """Yields frames, the outermost first; those of a cause come after those of its effect."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        for frame in traceback.extract_tb(current.__traceback__):
            yield Frame(frame.filename, frame.lineno or 0, frame.name)
        if isinstance(current, SyntaxError) and current.filename:
            yield Frame(current.filename, current.lineno or 0)
        for file, line, function in FRAME.findall(str(current)):
            yield Frame(file, int(line), function)
        current = current.__cause__ or current.__context__


def _said(error: BaseException) -> str:
    """Returns type and message; of a message with frames in it, its last line."""
    message = str(error)
    if FRAME.search(message) and not isinstance(error, SyntaxError):
        lines = [line.strip() for line in message.splitlines() if line.strip()]
        return lines[-1][:MOST]
    return f"{type(error).__name__}: {message}"[:MOST]
