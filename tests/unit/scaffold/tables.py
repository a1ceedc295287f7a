"""Tables to make use cases of."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa


def orders(rows: int = 3000, seed: int = 0) -> pa.Table:
    """Orders of a year: late or not, in one of three states, with a price.

    Each column is of another sort: the tests name what shall become of it.
    """
    random = np.random.default_rng(seed)
    distance = random.gamma(2, 10, rows)
    carrier = random.choice(["air", "rail", "road"], rows, p=[0.2, 0.3, 0.5])
    delay = distance - 20 + 8 * (carrier == "road") + random.normal(0, 8, rows)
    cancelled = random.random(rows) < 0.05
    start = datetime(2023, 1, 1, tzinfo=UTC)
    hours = np.sort(random.integers(0, 365 * 24, rows))
    state = np.where(delay > 15, "late", np.where(delay < -15, "early", "in time"))
    return pa.table(
        {
            "order_id": pa.array(np.arange(rows) + 7),
            "ordered at": pa.array(
                [start + timedelta(hours=int(hour)) for hour in hours], pa.timestamp("us", "UTC")
            ),
            "distance": distance,
            "carrier": carrier,
            "is_gift": random.random(rows) < 0.3,
            "weekday": random.integers(0, 7, rows),
            "customer": [f"c{number}" for number in random.integers(0, 5000, rows)],
            "note": [
                f"please ring twice, then wait for {n} minutes at the gate" for n in range(rows)
            ],
            "currency": ["EUR"] * rows,
            "nothing": pa.nulls(rows, pa.float64()),
            "delay": pa.array(delay, mask=cancelled),
            "arrived_km": pa.array(distance + random.normal(0, 5, rows), mask=cancelled),
            "delay in hours": pa.array(delay / 60, mask=cancelled),
            "state": state,
            "price": distance * 2 + 5 + random.normal(0, 1, rows),
        }
    )


def hostile() -> pa.Table:
    """Names and values that would break code, YAML, Markdown or the schema if they were pasted."""
    rows = 400
    random = np.random.default_rng(0)
    names = [
        "a b",
        'q"uote',
        "it's",
        "back\\slash",
        "東京",
        "class",
        "new\nline",
        "${x}",
        "{{ y }}",
    ]
    names += ["x" * 120, "|", "`tick`", "*/ # -- '''", '"""', "None", "yes", "1"]
    table = pa.table({name: random.choice(["u", 'v"', "w\\", "{}"], rows) for name in names})
    return table.append_column("label", pa.array(random.choice(["né", 'g"', "b\n"], rows)))
