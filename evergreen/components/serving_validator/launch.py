"""`python launch.py PARENT PROGRAM [ARGUMENT]...` becomes a program that ends with its parent.

Linux kills it when the thread that started it ends, however that ends: with it no program that
knows nothing of its parent is left behind. A script that is the program has to `exec` the last one.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # of <linux/prctl.h>; it outlives `exec`


def main(parent: int, command: list[str]) -> None:
    """Becomes a program.

    Args:
        parent: The process that it ends with.
        command: The program's path, and its arguments.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == parent:  # else that has ended before it could be asked for
        os.execv(command[0], command)  # noqa: S606 - what to run is the caller's


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
