"""Model servers as they are found on a machine: programs with a name."""

import sys
from pathlib import Path

EMBEDDED = f"""\
#!/bin/sh
[ "$1" = --version ] && exec /bin/echo "TensorFlow ModelServer:  by hand"
exec {sys.executable} -m evergreen.serving.model_server "$@"
"""


def make_program(folder: Path, text: str = EMBEDDED) -> Path:
    """A `tensorflow_model_server`: the embedded one under another name, or a script."""
    program = folder / "tensorflow_model_server"
    program.write_text(text)
    program.chmod(0o755)
    return program
