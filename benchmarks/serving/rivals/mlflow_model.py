"""The SavedModel as MLflow wants it. Runs in its environment: `mlflow_model.py SAVED TARGET`."""

import sys
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
import tensorflow as tf


class SavedModel(mlflow.pyfunc.PythonModel):
    """Asks the signature `raw`."""

    def load_context(self, context: Any) -> None:
        """Loads the SavedModel."""
        self._model = tf.saved_model.load(context.artifacts["saved_model"])
        self._raw = self._model.signatures["raw"]
        self._inputs = self._raw.structured_input_signature[1]

    def predict(self, context: Any, model_input: pd.DataFrame) -> np.ndarray:
        """Predicts rows."""
        del context
        columns = {
            name: tf.constant(_values(model_input[name], spec.dtype), spec.dtype)
            for name, spec in self._inputs.items()
        }
        return self._raw(**columns)["probabilities"].numpy()


def _values(column: pd.Series, dtype: tf.DType) -> list[Any]:
    """Null is NaN, also where a column holds nothing else."""
    return (column if dtype == tf.string else pd.to_numeric(column)).to_list()


if __name__ == "__main__":
    saved, target = sys.argv[1:]
    mlflow.pyfunc.save_model(
        target, python_model=SavedModel(), artifacts={"saved_model": saved}, pip_requirements=[]
    )
