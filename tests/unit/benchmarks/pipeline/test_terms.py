"""Both sides are given the same."""

from benchmarks.pipeline import terms
from benchmarks.pipeline.comparing import rotated
from benchmarks.pipeline.variants import MODULE_FILE
from data.taxi.source import sample_path
from evergreen.settings import load_settings
from tests.project import ROOT


def test_the_batch_is_that_of_the_examples_module_file() -> None:
    module = (sample_path().parents[2] / MODULE_FILE).read_text()
    assert module.count(f"tf_transform_output, {terms.BATCH})") == 2


def test_slices_and_splits_are_those_of_the_project() -> None:
    settings = load_settings(ROOT)
    assert settings.gates.slices == terms.SLICES
    assert settings.data.splits == terms.SPLITS


def test_steps_are_whole_epochs() -> None:
    assert terms.steps(8939) == 4 * 224


def test_every_variant_comes_first_once_in_three_rounds() -> None:
    names = ["stock", "same", "full"]
    orders = [rotated(names, number) for number in (1, 2, 3)]
    assert {order[0] for order in orders} == set(names)
    assert all(sorted(order) == sorted(names) for order in orders)
