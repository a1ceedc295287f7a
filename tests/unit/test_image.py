"""What the image is built from."""

from fnmatch import fnmatch

from tests.project import ROOT


def copied() -> list[str]:
    """The paths that the Containerfile copies out of the project."""
    lines = (ROOT / "deploy/Containerfile").read_text().splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    return [path for paths in copies if not paths[0].startswith("--") for path in paths]


def test_all_that_the_image_copies_is_let_into_its_build() -> None:
    lines = (ROOT / ".containerignore").read_text().splitlines()
    allowed = [line.removeprefix("!") for line in lines if line.startswith("!")]
    paths = [path for path in copied() if path != "."]
    assert "requirements/runtime.txt" in paths
    assert [path for path in paths if not any(fnmatch(path, entry) for entry in allowed)] == []
    assert all((ROOT / path).exists() for path in paths)
