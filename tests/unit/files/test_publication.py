"""A published folder is there whole or not at all, whoever looks and whenever a publisher dies."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evergreen.errors import EvergreenError
from evergreen.files import digest_tree, publish_folder

NAMES = st.sampled_from(["a", "b", "ab", "c/a", "c/b", "é"])
TREES = st.dictionaries(NAMES, st.binary(max_size=3), max_size=4)


def read_tree(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def write_tree(folder: Path, tree: dict[str, bytes]) -> Path:
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with the shape of a SavedModel."""
    tree = {"saved_model.pb": b"graph", "variables/index": b"1", "variables/data": b"x" * 1000}
    return write_tree(tmp_path / "model", tree)


def test_what_is_published_is_the_whole_folder(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "serving" / "taxi" / "1"
    assert publish_folder(model, target) is True
    assert read_tree(target) == read_tree(model)
    assert list(target.parent.iterdir()) == [target]


def test_publishing_the_same_again_is_no_change(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "serving" / "1"
    publish_folder(model, target)
    before = target.stat()
    assert publish_folder(model, target) is False
    assert target.stat() == before
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("there", [{"saved_model.pb": b"other"}, {"saved_model.pb": b"graph"}])
def test_another_content_is_never_overwritten(
    model: Path, tmp_path: Path, there: dict[str, bytes]
) -> None:
    target = write_tree(tmp_path / "serving" / "1", there)
    with pytest.raises(EvergreenError, match=f"{target}: exists already") as refusal:
        publish_folder(model, target)
    assert refusal.value.hint
    assert read_tree(target) == there
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_published_for_a_server_of_another_user_can_be_read_by_it(
    model: Path, tmp_path: Path
) -> None:
    model.chmod(0o700)
    publish_folder(model, tmp_path / "serving" / "1")
    assert (tmp_path / "serving" / "1").stat().st_mode & 0o777 == 0o755


def test_a_reader_never_sees_a_part_of_a_folder(tmp_path: Path) -> None:
    tree = {f"{index % 4}/{index}": os.urandom(20_000) for index in range(30)}
    source, root = write_tree(tmp_path / "model", tree), tmp_path / "serving"
    root.mkdir()
    done, seen = threading.Event(), []

    def watch() -> None:
        while True:
            last = done.is_set()
            versions = [path for path in root.iterdir() if not path.name.startswith(".")]
            seen.extend(read_tree(version) == tree for version in versions)
            if last:
                return

    reader = threading.Thread(target=watch)
    reader.start()
    try:
        for version in range(1, 9):
            publish_folder(source, root / str(version))
    finally:
        done.set()
        reader.join()
    assert len(seen) >= 8
    assert all(seen)


PUBLISHER = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from evergreen.files import publish_folder

    source, target, step, signal = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
    steps = 0

    def count(event, args):
        global steps
        if event in ("open", "os.mkdir", "os.rename", "os.chmod", "shutil.copyfile"):
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal)

    sys.addaudithook(count)
    publish_folder(source, target)
    print(steps)
    """
)


def start(source: Path, target: Path, step: int = 0, signal: int = 0) -> subprocess.Popen[str]:
    """Publishes in a process of its own, which sends itself a signal before the given step."""
    values = [str(value) for value in (source, target, step, int(signal))]
    command = [sys.executable, "-c", PUBLISHER, *values]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def count_steps(source: Path, target: Path) -> int:
    output, _ = start(source, target).communicate()
    return int(output)


def test_a_publisher_killed_at_any_step_leaves_all_or_nothing(model: Path, tmp_path: Path) -> None:
    steps = count_steps(model, tmp_path / "whole" / "1")
    assert steps > 10
    outcomes = set()
    for step in range(1, steps + 1):
        target = tmp_path / f"killed-{step}" / "1"
        publisher = start(model, target, step, signal.SIGKILL)
        publisher.communicate()
        assert publisher.returncode == -signal.SIGKILL
        complete = target.exists()
        outcomes.add(complete)
        assert not complete or read_tree(target) == read_tree(model)
        assert publish_folder(model, target) is not complete
        assert read_tree(target) == read_tree(model)
        assert list(target.parent.iterdir()) == [target]
    assert outcomes == {False, True}


def test_a_publisher_may_be_overtaken_by_another_one(model: Path, tmp_path: Path) -> None:
    steps = count_steps(model, tmp_path / "whole" / "1")
    for step in range(steps // 2, steps + 1):
        target = tmp_path / f"overtaken-{step}" / "1"
        slow = start(model, target, step, signal.SIGSTOP)
        os.waitpid(slow.pid, os.WUNTRACED)
        try:
            publish_folder(model, target)
        finally:
            slow.send_signal(signal.SIGCONT)
        _, errors = slow.communicate()
        assert slow.returncode == 0, errors
        assert read_tree(target) == read_tree(model)
        assert list(target.parent.iterdir()) == [target]


PUBLISHERS, ROUNDS = 3, 150
ROUND: list[Barrier] = []


def meet_at(barrier: Barrier) -> None:
    ROUND.append(barrier)


def publish_rounds(source: Path, root: Path) -> list[bool | str]:
    answers: list[bool | str] = []
    for version in range(ROUNDS):
        ROUND[0].wait(60)
        try:
            answers.append(publish_folder(source, root / str(version)))
        except OSError as error:
            answers.append(str(error))  # raised, it would leave the others waiting
    return answers


def test_of_publishers_at_the_same_moment_one_publishes_and_none_fails(
    model: Path, tmp_path: Path
) -> None:
    context, root = multiprocessing.get_context("spawn"), tmp_path / "serving"
    meeting = context.Barrier(PUBLISHERS)
    with context.Pool(PUBLISHERS, initializer=meet_at, initargs=[meeting]) as pool:
        answers = pool.starmap(publish_rounds, [(model, root)] * PUBLISHERS, chunksize=1)
    for version, published in enumerate(zip(*answers, strict=True)):
        assert sorted(published, key=str) == [False, False, True]
        assert read_tree(root / str(version)) == read_tree(model)
    assert len(list(root.iterdir())) == ROUNDS


def test_the_leftovers_of_another_version_are_left_alone(model: Path, tmp_path: Path) -> None:
    other = tmp_path / "serving" / ".staging-12-abc"
    other.mkdir(parents=True)
    publish_folder(model, tmp_path / "serving" / "1")
    assert other.exists()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(TREES, TREES)
def test_equal_digests_mean_equal_trees(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], other: dict[str, bytes]
) -> None:
    first, second = (write_tree(tmp_path_factory.mktemp("tree"), tree) for tree in (files, other))
    assert (digest_tree(first) == digest_tree(second)) == (files == other)
