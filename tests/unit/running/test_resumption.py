"""A run that goes on goes on as it was planned."""

import pytest

from evergreen.errors import SettingsError
from evergreen.running.resumption import check_overrides
from tests.unit.planning.conftest import Bench, bench  # noqa: F401 - a fixture


def test_other_settings_than_it_was_planned_with_are_refused(bench: Bench) -> None:  # noqa: F811
    planned = "model.hyperparameters={epochs: 3}"
    kept = bench.settings(planned)
    same = [planned, "model.hyperparameters.epochs=3", "metadata.sqlite=/elsewhere/metadata.sqlite"]
    check_overrides(same, bench.settings(*same), kept)
    for pair, was in (
        ("model.hyperparameters.epochs=4", "3"),
        ("model.hyperparameters.rate=0.1", "None"),
        ("data.splits={train: 8}", "{'train': 3, 'eval': 1, 'test': 1}"),
    ):
        with pytest.raises(SettingsError, match="goes on with what it was planned with") as error:
            check_overrides([pair], bench.settings(pair), kept)
        assert str(error.value).endswith(f"planned with: {was}.")
        assert error.value.hint.endswith(f"evergreen run --set {pair}")
