"""The files of a use case are found by following its code, not by listing its folders."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from evergreen.planning.sources import Sources, forget_modules, named_files
from evergreen.runs.digests import digest_files

FILES = {
    "configs/base.yaml": "",
    "house/__init__.py": "",
    "house/case/__init__.py": "",
    "house/case/model.py": "from house.shared.clean import scale\n",
    "house/case/parts/deep.py": "B = 2\n",
    "house/case/words.csv": "a\n",
    "house/shared/__init__.py": "",
    "house/shared/clean.py": "from .numbers import *\nfrom . import texts as t\n",
    "house/shared/numbers.py": "import loose.inner\n",
    "house/shared/texts.py": "",
    "house/shared/stop.vocab": "the\n",
    "loose/inner/__init__.py": "from ..beside import late\n",
    "loose/beside.py": "def late():\n    from house.lazy import more\n",
    "house/lazy.py": "more = 1\n",
    "house/unused.py": "",
    "tables/words.npy": "1",
    "tables/more/a.txt": "1",
}
"""`house` is a package, `loose` a namespace package."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        write(tmp_path / name, text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def sources(project: Path) -> Sources:
    forget_modules()
    found = Sources()
    found.add_folder(project / "house/case")
    return found


def digest(project: Path) -> str:
    return digest_files(sources(project).files)


def followed(project: Path) -> set[str]:
    return {str(file.relative_to(project)) for file in sources(project).files.values()}


def test_imports_are_followed_over_all_packages_of_the_project(project: Path) -> None:
    unfollowed = {"configs/base.yaml", "house/unused.py", "tables/words.npy", "tables/more/a.txt"}
    assert followed(project) == set(FILES) - unfollowed
    assert sources(project).outside == []


CHANGES: dict[str, Callable[[Path], object]] = {
    "edit": lambda at: write(at / "house/case/parts/deep.py", "B = 3\n"),
    "add": lambda at: write(at / "house/case/extra.py", ""),
    "rename": lambda at: (at / "house/case/model.py").rename(at / "house/case/other.py"),
    "word list": lambda at: write(at / "house/case/words.csv", "a b\n"),
    "array": lambda at: write(at / "house/case/table.npy", "1"),
    "no suffix": lambda at: write(at / "house/case/VOCABULARY", "1"),
    "helper": lambda at: write(at / "house/shared/clean.py", "SCALE = 2.0\n"),
    "star import": lambda at: write(at / "house/shared/numbers.py", "ONE = 1\n"),
    "relative import": lambda at: write(at / "house/shared/texts.py", "T = 1\n"),
    "word list beside a helper": lambda at: write(at / "house/shared/stop.vocab", "the a\n"),
    "init": lambda at: write(at / "house/__init__.py", "import house.unused\n"),
    "namespace package": lambda at: write(at / "loose/beside.py", "def late(): ...\n"),
    "import in a function": lambda at: write(at / "house/lazy.py", "more = 2\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_is_followed_changes_the_digest(
    project: Path, change: Callable[[Path], object]
) -> None:
    before = digest(project)
    change(project)
    assert digest(project) != before


def test_a_change_within_the_same_size_and_time_changes_the_digest(project: Path) -> None:
    file = project / "house/shared/clean.py"
    write(file, "SCALE = 1.0\n")
    os.utime(file, (0, 0))
    before = digest(project)
    write(file, "SCALE = 2.0\n")
    os.utime(file, (0, 0))
    assert digest(project) != before


def test_what_is_not_followed_and_what_running_leaves_change_nothing(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digest(project)
    write(project / "house/unused.py", "U = 1\n")
    write(project / "house/case/__pycache__/model.cpython-311.pyc", "")
    write(project / "house/case/.ipynb_checkpoints/model.py", "")
    write(project / "house/case/notes.md", "")
    write(project / "house/case/model.py~", "")
    assert digest(project) == before
    copy = shutil.copytree(project, tmp_path_factory.mktemp("another") / "checkout")
    monkeypatch.syspath_prepend(copy)
    assert digest(copy) == before


def test_a_cycle_of_imports_is_followed_once(project: Path) -> None:
    write(project / "house/shared/texts.py", "import house.case.model\nimport house.shared\n")
    assert "house/shared/texts.py" in followed(project)


NAMED: dict[str, tuple[str, str]] = {
    "import_module": ('import_module("house.unused")', "house/unused.py"),
    "import_module, relative": (
        'import_module(".unused", package="house")', "house/unused.py"
    ),
    "import_module, relative to itself": (
        'import_module("..unused", package=__package__)', "house/unused.py"
    ),
    "function": ('FUNCTION = "house.unused:run"', "house/unused.py"),
    "from the project": ('open("tables/words.npy")', "tables/words.npy"),
    "parts of a path": ('ROOT.joinpath("tables", "more", "a.txt")', "tables/more/a.txt"),
    "pathlib": ('Path(__file__).parents[2] / "tables" / "words.npy"', "tables/words.npy"),
    "os.path": ('os.path.join(HERE, "..", "tables", "words.npy")', "tables/words.npy"),
    "f-string": ('f"{ROOT}/tables/words.npy"', "tables/words.npy"),
    "folder of the package": ('HERE / "lists"', "house/case/lists/a.txt"),
    "file, added": ('HERE + "/../../tables/words.npy"', "tables/words.npy"),
    "folder, added": ('os.listdir(HERE + "/lists")', "house/case/lists/a.txt"),
    "absolute": ('PATH = "{project}/tables/words.npy"', "tables/words.npy"),
}  # fmt: skip


@pytest.mark.parametrize(("code", "file"), NAMED.values(), ids=NAMED)
def test_what_the_code_names_is_part_of_it(project: Path, code: str, file: str) -> None:
    write(project / "house/case/lists/a.txt", "1")
    write(project / "house/case/model.py", code.replace("{project}", str(project)))
    before = digest(project)
    assert file in {
        os.path.relpath(file.resolve(), project) for file in sources(project).files.values()
    }
    write(project / file, "# other\n")
    assert digest(project) != before


OUTSIDE: dict[str, tuple[str, str]] = {
    "computed": ("importlib.import_module(f'house.{name}')", "imports a module whose name is"),
    "url": ('WORDS = "gs://bucket/words.csv"', "names gs://bucket/words.csv"),
    "folder": ('FOLDER = "tables/more"', "names the folder tables/more"),
    "folder, one word": ('Path("tables").glob("*")', "names the folder tables"),
    "absolute folder": ('Path("{project}") / name', "names the folder {project}"),
    "elsewhere": ('open("/mnt/nowhere/words.csv")', "names /mnt/nowhere/words.csv, which is not"),
    "environment": ('os.environ["WORDS"]', "reads the environment"),
    "broken": ("def", "is not Python"),
}


@pytest.mark.parametrize(("code", "words"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_cannot_be_followed_is_named_with_its_line(
    project: Path, code: str, words: str
) -> None:
    code, words = (text.replace("{project}", str(project)) for text in (code, words))
    write(project / "house/shared/texts.py", f'"""gs://only/told"""\n{code}\n')
    [told] = sources(project).outside
    assert told.startswith(f"house/shared/texts.py, line 2: {words}")


def test_a_link_to_a_folder_is_named(project: Path) -> None:
    (project / "house/case/linked").symlink_to(project / "tables")
    assert sources(project).outside == ["case/linked: is a link, and to no file"]


def test_texts_that_only_look_like_names_are_left(project: Path) -> None:
    odd = [
        "models.txt",
        "no.such.module",
        "/",
        "..",
        "a\0b",
        "x" * 5000,
        "a/" * 150,
        "house",
        "é\n",
    ]
    write(project / "house/case/model.py", f"TEXTS = {odd!r}\nLATER = '/v1/models'\n")
    assert sources(project).outside == []


@pytest.mark.parametrize(
    "code",
    [
        b"(" * 5000,
        b"-" * 20_000 + b"1",
        b"a" + b"/'b'" * 5000,
        b"a" + b"/'b'" * 900,
        b"\0",
        b"\xff\xfe",
        b"# coding: nowhere",
    ],
)
def test_code_that_cannot_be_read_is_named(project: Path, code: bytes) -> None:
    (project / "house/shared/texts.py").write_bytes(code)
    [told] = sources(project).outside
    assert told.endswith("is not Python, so that its imports are not known")


@pytest.mark.parametrize(
    "code",
    [
        "import_module()",
        "import_module(*names)",
        "import_module('....x', 'house')",
        "import_module('.', package='house')",
        "from ........ import a",
        "open()",
        "f''",
        "Path()",
        "import house.no.such, nowhere.at.all",
    ],
)
def test_odd_imports_lead_nowhere(project: Path, code: str) -> None:
    write(project / "house/shared/texts.py", code)
    assert {name.split("/")[0] for name in sources(project).files} <= {"case", "house", "loose"}


def test_packages_of_the_lock_are_left_to_the_lock(project: Path) -> None:
    write(project / "house/case/model.py", "import json, numpy, pydantic.fields, sys, __main__\n")
    assert {name.split("/")[0] for name in sources(project).files} == {"case"}


def test_files_that_settings_name_are_found_at_any_depth(project: Path) -> None:
    values = {"rate": 1, "lists": [{"words": "tables/words.npy"}, "tables", "", "x\0", "x" * 999]}
    assert dict(named_files(values, project)) == {"tables/words.npy": project / "tables/words.npy"}
