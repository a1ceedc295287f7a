"""A model that does not serve as its clients expect is refused, with the reason."""

from pathlib import Path

import pytest

from evergreen.errors import EvergreenError
from evergreen.serving.trial.exported import UnservableError
from evergreen.settings.gates import ServingCriteria
from evergreen.settings.task import Task
from tests.unit.serving.trial import models

from .node import Node, refused


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of a model with a signature for each fault, held to tiny budgets."""
    folder = tmp_path_factory.mktemp("bad")
    names = ("shifted", "undefined", "mixed", "crooked")
    models.export(
        folder / "model" / "Format-Serving", {name: getattr(models, name) for name in names}
    )
    criteria = ServingCriteria(
        signatures=("serving_default", *names, "absent"),
        rows=20,
        batch_sizes=(1, 8),
        p95_ms=1e-6,
        memory_mb=1.0,
    )
    node = Node(folder, folder / "model")
    report = node(criteria, task=Task.MULTICLASS, classes="abc")
    assert not report["blessed"]
    assert node.blessing.get_int_custom_property("blessed") == 0
    return refused(report)


@pytest.mark.parametrize(
    ("criterion", "detail"),
    [
        ("shifted: answers as serving_default", ""),
        ("undefined: answers are finite numbers", "request 1: probabilities holds nan"),
        ("mixed: rows alone as in batches", ""),
        (
            "crooked: answers have the declared names, dtypes and shapes",
            "request 1: probabilities has the shape [0] for 1 rows, not float32[?]",
        ),
        ("absent: requests can be made from test rows", "the model has no such signature"),
        (
            "serving_default: declares the answer of its task",
            "serving_default answers probabilities float32[?]; Evaluator and ModelGate need one "
            "output, a probability a row for each of the 3 classes: float32[?,3]",
        ),
        ("serving_default: p95 of one row in ms over gRPC", ""),
        ("memory of the model server in MB", ""),
        # It is asked all the same: the reasons above are found without the warm-up.
        (
            "seconds to load in the model server",
            "FAILED_PRECONDITION: warm-up: output probabilities of signature undefined is NaN",
        ),
    ],
)
def test_each_fault_is_a_line_of_the_report(
    faults: dict[str, str], criterion: str, detail: str
) -> None:
    assert faults[criterion].startswith(detail)


def test_what_is_right_is_not_refused(faults: dict[str, str]) -> None:
    others = ("p95", "its task")
    names = {found.split(":")[0] for found in faults if not any(word in found for word in others)}
    assert "serving_default" not in names
    assert "shifted: rows alone as in batches" not in faults
    assert not [criterion for criterion in faults if "as in this process" in criterion]


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("saved_model.pb", "DecodeError"),
        ("variables/variables.index", "file is too short"),
    ],
)
def test_a_broken_file_is_a_refused_model(tmp_path: Path, file: str, words: str) -> None:
    model = models.export(tmp_path / "model" / "Format-Serving")
    (model / file).write_bytes(b"\x00 not what it was")
    report = Node(tmp_path, tmp_path / "model")(ServingCriteria(rows=5))
    assert (report["blessed"], report["load_seconds"], report["memory_mb"]) == (False, None, None)
    [detail] = refused(report).values()
    assert words in detail


def test_a_window_without_rows_is_no_fault_of_the_model(tmp_path: Path) -> None:
    models.export(tmp_path / "model" / "Format-Serving")
    node = Node(tmp_path, tmp_path / "model")
    for span in node.spans:
        for file in (span / "Split-test").iterdir():
            file.unlink()
    with pytest.raises(EvergreenError, match="no row to make a request of") as failure:
        node(ServingCriteria())
    assert not isinstance(failure.value, UnservableError)
