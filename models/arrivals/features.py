"""The declaration of the arrival model: its label and its features.

All of them are known at take-off. The flight's number and the tail number are left out: most of
them have few flights a month.
"""

from evergreen.tabular import Category, Label, Moment, Number, Table, Task

ARRIVALS = Table(
    name="arrivals",
    features=(
        Number("dep_delay", -120.0, 3000.0),
        Number("distance", 0.0, 20_000.0),
        Number("sched_arr_time", 0.0, 2400.0),
        Category("carrier", top_k=16),
        Category("origin", top_k=3),
        Category("dest", top_k=104),
        Moment("scheduled", zone="America/New_York"),
    ),
    label=Label("arr_delay", columns=("arr_delay",), task=Task.REGRESSION),
)
