"""A use case is written wholly or not at all, once."""

import multiprocessing
import os
from pathlib import Path

import pytest

from evergreen.errors import EvergreenError, SettingsError
from evergreen.scaffold.publication import STAGING, write

FILES = {
    Path("models/late/features.py"): "a",
    Path("data/late/spans.py"): "b",
    Path("docs/use-cases/late.md"): "c",
    Path("configs/late.yaml"): "d",
}
FORKED = multiprocessing.get_context("fork")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("models", "data", "configs"):
        (tmp_path / folder).mkdir()
    return tmp_path


def contents(project: Path) -> dict[str, str]:
    files = (path for path in project.rglob("*") if path.is_file())
    return {str(path.relative_to(project)): path.read_text() for path in files}


def attempt(project: Path, barrier: object, answers: object) -> None:
    barrier.wait()
    try:
        write(project, "late", FILES)
        answers.put("written")
    except SettingsError as error:
        answers.put(str(error))


def test_all_files_are_written_and_nothing_else(project: Path) -> None:
    write(project, "late", FILES)
    assert contents(project) == {str(path): text for path, text in FILES.items()}


def test_of_two_processes_one_wins_and_the_other_is_refused_by_name(project: Path) -> None:
    barrier, answers = FORKED.Barrier(2), FORKED.Queue()
    both = [FORKED.Process(target=attempt, args=(project, barrier, answers)) for _ in range(2)]
    for process in both:
        process.start()
    said = sorted(answers.get(timeout=60) for _ in both)
    for process in both:
        process.join()
    assert "the name 'late' is taken" in said[0]
    assert said[1] == "written"
    assert contents(project) == {str(path): text for path, text in FILES.items()}


def test_nothing_is_left_if_a_file_cannot_be_written(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def fails_at_the_last(path: Path, target: Path) -> Path:
        if path.suffix == ".yaml":
            raise OSError(28, "No space left on device", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fails_at_the_last)
    with pytest.raises(EvergreenError, match="No space left on device; nothing was written"):
        write(project, "late", FILES)
    assert contents(project) == {}


def die_at(project: Path, step: int) -> None:
    rename, seen = Path.rename, []

    def dies(path: Path, target: Path) -> Path:
        seen.append(path)
        if len(seen) == step:
            os._exit(9)
        return rename(path, target)

    Path.rename = dies
    write(project, "late", FILES)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_what_a_dead_process_has_left_is_taken_back_by_the_next(project: Path, step: int) -> None:
    process = FORKED.Process(target=die_at, args=(project, step))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert "configs/late.yaml" not in contents(project)  # so it is not known
    write(project, "other", {Path("configs/other.yaml"): ""})
    assert set(contents(project)) == {"configs/other.yaml"}
    write(project, "late", FILES)
    assert not list(project.glob(f"{STAGING}*"))
