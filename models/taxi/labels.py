"""The label of raw trips, as it is known when the fare is paid."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.taxi.features import FARE, TIP_DIVISOR, TIPS


def big_tip(trips: pa.Table) -> NDArray[np.float64]:
    """Returns float64 [n]: 1 where the tip is more than 20 % of the fare, 0 where not, else NaN.

    Args:
        trips: Raw rows, with tips and fare in dollars.
    """
    tips, fare = (
        np.round(100 * pc.fill_null(trips.column(name).cast(pa.float64()), np.nan).to_numpy())
        for name in (TIPS, FARE)
    )
    return np.where(np.isnan(tips) | np.isnan(fare), np.nan, tips * TIP_DIVISOR > fare)
