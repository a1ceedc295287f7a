"""A company's mirror: what pip is told of it, uv and the build of the image are told, too."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[3]
UV = Path(sys.executable).with_name("uv")
MIRROR = "http://somebody:s%20cret@mirror.example/simple"


def environment(folder: Path, pip: str = "", **variables: str) -> dict[str, str]:
    """An environment in which pip has only what a test tells it."""
    file = folder / "given.conf"
    file.write_text(pip)
    # The null device: not even what the machine's own files say.
    own = {"HOME": str(folder), "PIP_CONFIG_FILE": str(file) if pip else os.devnull}
    return {"PATH": os.environ["PATH"], **own, **variables}


def exports(folder: Path, pip: str = "", **variables: str) -> dict[str, str]:
    """The variables that a shell has afterwards, and had not before."""
    script = f'index=$("{sys.executable}" requirements/index.py) && eval "$index" && env -0'
    given = environment(folder, pip, **variables)
    told = subprocess.run(
        ["bash", "-euc", script], cwd=ROOT, env=given, check=True, capture_output=True, text=True
    )
    pairs = (line.split("=", 1) for line in told.stdout.split("\0") if line)
    return {name: value for name, value in pairs if name.startswith(("UV_", "SSL_"))}


def test_without_a_mirror_nothing_is_said(tmp_path: Path) -> None:
    assert exports(tmp_path) == {}


def test_variables_and_files_of_pip_become_variables_of_uv(tmp_path: Path) -> None:
    file = f"[global]\nindex-url = {MIRROR}\n"
    assert exports(tmp_path, file)["UV_DEFAULT_INDEX"] == MIRROR
    assert exports(tmp_path, PIP_INDEX_URL=MIRROR) == {"UV_DEFAULT_INDEX": MIRROR}
    more = "[global]\nindex-url = http://other/\ncert = /ca.pem\n[install]\ntrusted-host = a\n  b\n"
    assert exports(
        tmp_path, more, PIP_INDEX_URL=MIRROR, PIP_EXTRA_INDEX_URL="http://x http://y"
    ) == {
        "UV_DEFAULT_INDEX": MIRROR,  # the environment is stronger
        "UV_INDEX": "http://x http://y",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "a b",
        "SSL_CERT_FILE": "/ca.pem",
    }


def test_folders_that_are_not_there_are_passed_over_as_by_pip(tmp_path: Path) -> None:
    places = f"{tmp_path} /nowhere/at/all http://mirror.example/links"
    told = exports(tmp_path, PIP_FIND_LINKS=places)
    assert told == {"UV_FIND_LINKS": f"{tmp_path},http://mirror.example/links"}
    assert exports(tmp_path, PIP_FIND_LINKS="/nowhere/at/all") == {}


def test_what_uv_was_told_stays(tmp_path: Path) -> None:
    told = exports(tmp_path, PIP_INDEX_URL=MIRROR, UV_DEFAULT_INDEX="http://uv.example")
    assert told == {"UV_DEFAULT_INDEX": "http://uv.example"}


def test_no_value_is_a_command(tmp_path: Path) -> None:
    evil = "http://x/$(touch evil)`touch evil`';touch evil;'"
    assert exports(tmp_path, PIP_INDEX_URL=evil) == {"UV_DEFAULT_INDEX": evil}
    assert not (ROOT / "evil").exists()


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """An index with one package."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as wheel:
        info = "here_only-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: here-only\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    page = folder / "simple/here-only"
    page.mkdir(parents=True)
    name = "here_only-1.0-py3-none-any.whl"
    (page / name).write_bytes(data.getvalue())
    (page / "index.html").write_text(f'<a href="{name}">{name}</a>')
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def test_uv_asks_the_mirror(tmp_path: Path) -> None:
    with mirror(tmp_path / "mirror") as url:
        given = environment(tmp_path, f"[global]\nindex-url = {url}\n")
        script = f'index=$("{sys.executable}" requirements/index.py) && eval "$index"\n'
        script += f'echo here-only | "{UV}" pip compile --quiet --cache-dir {tmp_path}/cache -'
        line = ["bash", "-euc", script]
        found = subprocess.run(
            line, cwd=ROOT, env=given, check=True, capture_output=True, text=True
        )
    assert "here-only==1.0" in found.stdout


ENGINE = """#!/bin/sh
# Stands for podman: keeps what it is told, and the secrets.
printf '%s\\n' "$@" > "$KEPT/arguments"
for word in "$@"; do case $word in id=*,src=*) cp "${word##*src=}" "$KEPT/";; esac; done
"""


def test_the_build_of_the_image_gets_the_mirror_as_a_secret(tmp_path: Path) -> None:
    engine, authorities = tmp_path / "engine", tmp_path / "company.pem"
    engine.write_text(ENGINE)
    engine.chmod(0o755)
    authorities.write_text("a certificate")
    told = {"CONTAINER_ENGINE": str(engine), "KEPT": str(tmp_path), "PIP_CERT": str(authorities)}
    line = [ROOT / "deploy/image.sh", "--pull"]
    subprocess.run(line, env=environment(tmp_path, PIP_INDEX_URL=MIRROR, **told), check=True)
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert {"build", "--pull", "--secret"} <= set(arguments)
    assert not any(MIRROR in word for word in arguments)
    conf = (tmp_path / "pip.conf").read_text().splitlines()
    assert conf == ["[global]", f"index-url = {MIRROR}", "cert = /run/secrets/ca"]
    assert (tmp_path / "ca").read_text() == "a certificate"
    [secret] = [word for word in arguments if word.startswith("id=pip")]
    assert not Path(secret.split("src=")[1]).exists()  # nothing is left


@pytest.mark.parametrize("file", ["requirements/setup.sh", "deploy/Containerfile"])
def test_what_builds_is_pinned_too(file: str) -> None:
    """uv checks hashes of build requirements that are constrained so, and setup.py builds here."""
    text = (ROOT / file).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if "uv pip sync" in line:
            assert "--require-hashes" in line
            assert "--build-constraints" in line
        if "uv pip install" in line:
            assert {"--no-deps", "--no-build-isolation"} <= set(line.split())
