"""Labels of raw rows that are not examples yet."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from numpy.typing import NDArray

from evergreen.tabular.preprocessing import label
from evergreen.tabular.table import Table


def labels(table: Table, rows: pa.Table) -> NDArray[np.float64]:
    """Returns the labels of raw rows, float64 [n]; NaN if unknown.

    Args:
        table: The declaration.
        rows: Raw rows, with the columns that the label uses.
    """
    columns = {
        name: tf.constant(pc.fill_null(rows[name].cast(pa.float32()), float("nan")).to_numpy())
        for name in table.label.columns
    }
    return label(table.label, columns).numpy().astype(np.float64)
