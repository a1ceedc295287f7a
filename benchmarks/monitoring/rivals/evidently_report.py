"""Evidently: drift of all features and of the score, and the quality of the classification."""

from typing import Any

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Report
from evidently.presets import ClassificationPreset, DataDriftPreset
from reading import timed


def compute(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Any]:
    """One report, by Jensen-Shannon."""
    text = [name for name in before.columns if before[name].dtype == object]
    numbers = [name for name in before.columns if name not in {*text, "label"}]
    definition = DataDefinition(
        numerical_columns=numbers,
        categorical_columns=text,
        classification=[BinaryClassification(target="label", prediction_probas="score")],
    )
    report = Report(
        [
            DataDriftPreset(num_method="jensenshannon", cat_method="jensenshannon"),
            ClassificationPreset(),
        ]
    )
    sides = [Dataset.from_pandas(side, definition) for side in (now, before)]
    return report.run(*sides).dict()


if __name__ == "__main__":
    timed(compute)
