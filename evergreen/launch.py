"""Command lines of Evergreen's own programs, and of programs that end with their parent.

`python launch.py PARENT PROGRAM [ARGUMENT]...` becomes a program that ends with its parent.

Linux kills it when the thread that started it ends, for any reason, so that no program is left
behind. If the program is a script, it must `exec` its last command.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Iterable, Sequence

PR_SET_PDEATHSIG = 1  # from <linux/prctl.h>; it survives `exec`


def evergreen(*words: str) -> list[str]:
    """Returns the command line of an Evergreen command, as installed beside this Python."""
    return [os.path.join(os.path.dirname(sys.executable), "evergreen"), *words]


def options(
    project: object, use_case: str, overlays: Iterable[str], overrides: Iterable[str]
) -> list[str]:
    """Returns the options with which a command loads the settings of a project.

    Args:
        project: The project's folder.
        use_case: The name of the use case.
        overlays: Names of environments in `configs/`, or files.
        overrides: `section.key=value` pairs.
    """
    return [
        f"--project={project}",
        f"--use-case={use_case}",
        *(f"--config={overlay}" for overlay in overlays),
        *(f"--set={pair}" for pair in overrides),
    ]


def leashed(command: Sequence[str]) -> list[str]:
    """Returns the command line of a program that ends with this process."""
    return [sys.executable, "-IS", __file__, str(os.getpid()), *command]


def end_with(parent: int) -> None:
    """Makes this process end with its parent, at once if that has ended already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what to run is the caller's
