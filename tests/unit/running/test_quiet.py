"""The libraries' output goes to the log, and ours to the terminal."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from evergreen.running.quiet import quiet


def test_even_what_is_written_past_python_goes_to_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "logs" / "run.log"
    for number in range(2):  # the second is appended
        with suppress(KeyError), quiet(log) as console:
            os.write(1, b"from C, out\n")
            os.write(2, b"from C, err\n")
            console.print(f"for a person {number}")
            raise KeyError
    os.write(1, b"after\n")
    told = capfd.readouterr()
    assert told.out == "for a person 0\nfor a person 1\nafter\n"
    assert not told.err
    written = log.read_text()
    assert (written.count("from C, out"), written.count("from C, err")) == (2, 2)
    assert "person" not in written
