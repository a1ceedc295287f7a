"""The declaration of the taxi model: its label and its features.

Areas and census tracts are left out: the coordinates are their centres, and one-hot areas made the
log loss worse. The timestamp is left out, too: a model must not learn the date of its training
data.
"""

from collections.abc import Mapping

import tensorflow as tf

from evergreen.tabular import Category, Integer, Label, Number, Table

# A tip is big if it is more than one part in TIP_DIVISOR of the fare: more than 20 %.
TIP_DIVISOR = 5


def big_tip(columns: Mapping[str, tf.Tensor]) -> tf.Tensor:
    """Returns whether the tip is more than 20 % of the fare, bool [n].

    Compared in whole cents: in float32, 5.01 of 25.05 dollars is more than 20 %.

    Args:
        columns: `tips` and `fare` in dollars, float32 [n].
    """
    return _cents(columns["tips"]) * TIP_DIVISOR > _cents(columns["fare"])


def _cents(dollars: tf.Tensor) -> tf.Tensor:
    """Returns int64, after clipping to its range: casting infinity is undefined."""
    return tf.cast(tf.round(tf.clip_by_value(dollars, -1e9, 1e9) * 100.0), tf.int64)


TRIPS = Table(
    name="taxi",
    features=(
        # The ranks have 30 steps. Coordinates repeat a few centres, so half as many ramps do.
        Number("fare", 0.0, 10_000.0),
        Number("trip_miles", 0.0, 10_000.0),
        Number("trip_seconds", 0.0, 86_400.0, flag_missing=True),
        Number("pickup_latitude", 41.6, 42.1, ramps=15),
        Number("pickup_longitude", -88.0, -87.5, ramps=15),
        # Latitude and longitude are missing together, so one flag is enough.
        Number("dropoff_latitude", 41.6, 42.1, ramps=15, flag_missing=True),
        Number("dropoff_longitude", -88.0, -87.5, ramps=15),
        Integer("trip_start_month", 1, 12),
        Integer("trip_start_day", 1, 7),
        Integer("trip_start_hour", 0, 23),
        Category("payment_type", top_k=4),
        Category("company", top_k=12),
    ),
    label=Label("big_tip", columns=("tips", "fare"), function=big_tip),
)
