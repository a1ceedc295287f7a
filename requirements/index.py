"""Hands on what pip is told of its index: a company's mirror, in pip.conf or PIP_* variables.

`python index.py` prints it as variables for uv, which reads neither; a shell evaluates them.
`python index.py FOLDER` writes `pip.conf`, and the certificates it names, for a build in a
container. Of the standard library, as it runs before anything is installed.
"""

import ast
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

OF_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
}
STRONGEST_LAST = ("global", "install", ":env:")
IN_CONTAINER = "/run/secrets/ca"
OF_CONTAINER = ("index-url", "extra-index-url", "trusted-host")


def configured() -> dict[str, str]:
    """What pip uses, from all its files and the environment."""
    line = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"index: {sys.executable} has no pip that tells its settings: {done.stderr}")
    found: dict[tuple[str, str], str] = {}
    for name, _, value in (line.partition("=") for line in done.stdout.splitlines()):
        section, _, key = name.rpartition(".")
        found[section, key] = " ".join(ast.literal_eval(value).split())
    return {
        key: value
        for section in STRONGEST_LAST
        for (of, key), value in found.items()
        if of == section and key in OF_UV and value
    }


def exports(known: dict[str, str]) -> list[str]:
    """Assignments for a shell. What uv has been told itself stays."""
    variables = {OF_UV[key]: value for key, value in known.items()}
    if "UV_FIND_LINKS" in variables:  # pip passes over folders that are not there, uv does not
        places = known["find-links"].split()
        there = [place for place in places if "://" in place or Path(place).exists()]
        variables["UV_FIND_LINKS"] = ",".join(there)
    if "UV_INDEX" in variables:  # as pip: any index may have it; what it is, the hash decides
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return [
        f"export {name}={shlex.quote(value)}"
        for name, value in variables.items()
        if value and name not in os.environ
    ]


def write(known: dict[str, str], folder: Path) -> None:
    """Writes what a build in a container needs; both files are always there."""
    lines = [f"{key} = {known[key]}" for key in OF_CONTAINER if key in known]
    authorities = folder / "ca"
    authorities.write_text("# none\n")
    if "cert" in known:
        shutil.copyfile(known["cert"], authorities)
        lines.append(f"cert = {IN_CONTAINER}")
    (folder / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write(configured(), Path(sys.argv[1]))
    else:
        print("\n".join(exports(configured())))  # noqa: T201
