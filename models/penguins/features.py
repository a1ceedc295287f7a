"""The declaration of the penguin model: its label and its features."""

from evergreen.tabular import Category, Label, Number, Table, Task

SPECIES = ("Adelie", "Chinstrap", "Gentoo")

PENGUINS = Table(
    name="penguins",
    features=(
        Number("bill_length_mm", 20.0, 80.0),
        Number("bill_depth_mm", 5.0, 40.0),
        Number("flipper_length_mm", 100.0, 300.0),
        Number("body_mass_g", 1000.0, 10_000.0),
        Category("island", top_k=3),
        Category("sex", top_k=2),
    ),
    label=Label("species", columns=("species",), task=Task.MULTICLASS, classes=SPECIES),
)
