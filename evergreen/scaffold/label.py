"""The label of a new use case: what it is made of, and the task that follows from it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from evergreen.errors import DataError, SettingsError, choose
from evergreen.scaffold.expression import Expression, Type, literal, parse
from evergreen.scaffold.names import identifier
from evergreen.scaffold.profile import Column, Kind, Profile
from evergreen.texts import many

BINARY, MULTICLASS, REGRESSION = TASKS = ("binary", "multiclass", "regression")
USUAL = ("label", "target", "y", "class", "outcome")
YES = {"yes", "true", "y", "t", "positive", "pos", "1", "success"}
PAIR, SHOWN = 2, 5
IDS = 0.9
"""Text with more different values than this share of the rows is an id, or free text."""
FEW = 10
"""Whole numbers with at most as many different values are classes."""
MOST_CLASSES = 100
LEAST_ROWS = 100
LEAST_CLASS_ROWS = 10
INTEGRAL = {Kind.WHOLE, Kind.MOMENT}
TYPES: dict[Kind, Type] = {Kind.TEXT: "text", Kind.TRUTH: "truth"}
TAKEN = {"tf", "columns"}
"""Names that mean something else in the code of the label."""
OPERATORS = {
    "<=": "at_most", ">=": "at_least", "==": "is", "!=": "is_not", "<": "under", ">": "over",
}  # fmt: skip


@dataclass(frozen=True)
class LabelChoice:
    """A label.

    Attributes:
        name: Its name, a Python name.
        expression: The expression that it is made of.
        task: `binary`, `multiclass` or `regression`.
        classes: The names of the classes, in the order of their indices; empty if not multiclass.
        code: The Python code of its value, on a mapping `columns`.
        values: float64 [rows]: 0 or 1, the index of the class, or the number; NaN if unknown.
        meaning: What it is, in words.
        reason: Why it is this task.
    """

    name: str
    expression: Expression
    task: str
    classes: tuple[str, ...]
    code: str
    values: NDArray[np.float64]
    meaning: str
    reason: str

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which rows have a label, shape [rows]."""
        return ~np.isnan(self.values)

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows by class."""
        names = self.classes or ("no", "yes")
        found = Counter(self.values[self.known].astype(int).tolist())
        return {name: found[at] for at, name in enumerate(names)}


def choose_label(
    profile: Profile,
    text: str | None,
    task: str | None,
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> LabelChoice:
    """Makes a label from an expression.

    Args:
        profile: The table.
        text: The expression; None if there is a column that is called like a label.
        task: The task; None to infer it.
        aliases: Columns by the names that they have in the table.

    Raises:
        SettingsError: If the expression or the task does not fit.
        DataError: If the table has no usable label, or too few rows with one.
    """
    if task is not None:
        choose(task, TASKS, "task")
    wholes = [name for name, column in profile.columns.items() if column.kind in INTEGRAL]
    expression = parse(text or _usual(profile), _types(profile), wholes, aliases)
    columns = [profile[name] for name in expression.columns]
    for column in columns:
        _check(column)
    known = np.logical_and.reduce([column.values.is_valid().to_numpy(False) for column in columns])
    given = {column.name: _given(column, expression.is_whole) for column in columns}
    values = expression.evaluate(given)
    label = _label(expression, columns, values, known, task)
    _check_rows(label)
    return label


def _usual(profile: Profile) -> str:
    found = [name for name in profile.columns if name.lower() in USUAL]
    if len(found) == 1:
        return found[0]
    usable = [
        name
        for name, column in profile.columns.items()
        if column.kind is Kind.TRUTH or PAIR <= column.distinct <= FEW
    ]
    raise SettingsError(
        "no --label is given, and no column is called label or target.",
        hint="Say what to predict: --label 'COLUMN > 15', or --label COLUMN"
        + (f", such as {', '.join(usable[:5])}." if usable else "."),
    )


def _types(profile: Profile) -> dict[str, Type]:
    return {name: TYPES.get(column.kind, "number") for name, column in profile.columns.items()}


def _check(column: Column) -> None:
    """Refuses columns of which no label can be made."""
    if column.kind is Kind.EMPTY:
        _refuse(column, f"has no value in {many(column.rows, 'row')}")
    if column.kind is Kind.OTHER:
        _refuse(column, f"holds {column.source}, which is no value to predict")
    if column.distinct == 1:
        _refuse(column, f"has one value in all rows: {column.values.drop_null()[0]}")


def _refuse(column: Column, problem: str) -> NoReturn:
    raise DataError(
        f"the label: column {column.name!r} {problem}.", hint="Choose another one by --label."
    )


def _given(column: Column, is_whole: bool) -> NDArray[np.generic]:
    """Returns the values as TensorFlow will see them: numbers are float32, unless all are whole."""
    if column.kind is Kind.TRUTH:
        return column.array == 1
    return column.array if column.kind is Kind.TEXT or is_whole else column.array.astype(np.float32)


def _label(
    expression: Expression,
    columns: list[Column],
    values: NDArray[np.generic],
    known: NDArray[np.bool_],
    task: str | None,
) -> LabelChoice:
    name = _name(expression)
    if expression.type == "text":
        return _of_text(name, expression, columns[0], values, known, task)
    numbers = np.where(known, values, np.nan).astype(np.float64)
    found = np.unique(numbers[known])
    if expression.type == "truth" or set(found) <= {0.0, 1.0}:
        _check_task(task, BINARY, f"{expression.text!r} is true or false")
        code = expression.code
        reason = "its values are 0 and 1" if expression.is_column else "it is a condition"
        return LabelChoice(name, expression, BINARY, (), code, numbers, _said(expression), reason)
    is_whole = bool(np.all(found == np.round(found)) and np.isfinite(found).all())
    if not np.isfinite(found).all():
        raise DataError(
            f"the label: {expression.text!r} is infinite in some rows.",
            hint="Divide by nothing that may be 0: as a condition, 'a > 0.2 * b'.",
        )
    if columns[0].kind is Kind.MOMENT and expression.is_column:
        _refuse(columns[0], "holds times, which are not predicted")
    if task == MULTICLASS or (task is None and is_whole and PAIR < len(found) <= FEW):
        return _of_wholes(name, expression, numbers, found, is_whole)
    _check_task(task, REGRESSION, f"{expression.text!r} has {len(found):,} different numbers")
    _check_id(columns[0], expression)
    reason = f"it has {len(found):,} different numbers"
    return LabelChoice(
        name, expression, REGRESSION, (), expression.code, numbers, _said(expression), reason
    )


def _check_id(column: Column, expression: Expression) -> None:
    low, high = column.range
    if expression.is_column and column.kind is Kind.WHOLE and column.distinct == column.rows and (
        high - low + 1 == column.rows
    ):  # fmt: skip
        _refuse(column, "counts the rows: it is an id")


def _of_text(
    name: str,
    expression: Expression,
    column: Column,
    values: NDArray[np.generic],
    known: NDArray[np.bool_],
    task: str | None,
) -> LabelChoice:
    counts = column.counts
    if len(counts) > MOST_CLASSES:
        is_id = len(counts) > IDS * column.present
        what = "it is an id, or free text" if is_id else f"more than {MOST_CLASSES} classes"
        _refuse(column, f"has {len(counts):,} different texts in {column.rows:,} rows: {what}")
    if task == REGRESSION:
        _refuse(column, "holds text, and --task regression needs a number")
    if len(counts) == PAIR and task != MULTICLASS:
        return _of_two(name, expression, counts, values, known)
    _check_task(task, MULTICLASS, f"{column.name!r} has {len(counts)} different texts")
    classes = tuple(sorted(counts))
    index = {text: float(at) for at, text in enumerate(classes)}
    numbers = np.array([index.get(text, np.nan) for text in values])
    meaning = f"one of {', '.join(classes[:SHOWN])}" + (", ..." if len(classes) > SHOWN else "")
    reason = f"it has {len(classes)} different texts"
    return LabelChoice(
        name, expression, MULTICLASS, classes, expression.code, numbers, meaning, reason
    )


def _of_two(
    name: str,
    expression: Expression,
    counts: Counter[str],
    values: NDArray[np.generic],
    known: NDArray[np.bool_],
) -> LabelChoice:
    yes = [text for text in counts if text.strip().lower() in YES]
    positive = yes[0] if len(yes) == 1 else min(counts, key=lambda text: (counts[text], text))
    numbers = np.where(known, (values == positive).astype(np.float64), np.nan)
    code = f"{expression.code} == {literal(positive)}"
    meaning = f"{expression.text.strip('`')} is {positive!r}"
    return LabelChoice(
        name, expression, BINARY, (), code, numbers, meaning, "it has two different texts"
    )


def _of_wholes(
    name: str,
    expression: Expression,
    numbers: NDArray[np.float64],
    found: NDArray[np.float64],
    is_whole: bool,
) -> LabelChoice:
    if not is_whole or len(found) > MOST_CLASSES:
        raise DataError(
            f"the label: {expression.text!r} has {len(found):,} different numbers, which are no "
            f"classes (at most {MOST_CLASSES}, whole).",
            hint="Say --task regression.",
        )
    classes = tuple(str(int(value)) for value in found)
    index = np.searchsorted(found, numbers).astype(np.float64)
    values = np.where(np.isnan(numbers), np.nan, index)
    consecutive = bool(np.all(np.diff(found) == 1))
    first = int(found[0])
    code = expression.code if consecutive and not first else f"{expression.code} - {first}"
    if not consecutive:
        raise DataError(
            f"the label: {expression.text!r} has the numbers {', '.join(classes[:10])}, which do "
            "not count the classes.",
            hint="Say --task regression, or deliver the classes as text.",
        )
    reason = f"it has {len(classes)} different whole numbers; --task regression makes it a quantity"
    return LabelChoice(
        name, expression, MULTICLASS, classes, code, values, _said(expression), reason
    )


def _check_task(given: str | None, needed: str, because: str) -> None:
    if given not in {None, needed}:
        raise SettingsError(f"--task {given}: {because}.", hint=f"Say --task {needed}, or nothing.")


def _check_rows(label: LabelChoice) -> None:
    rows = int(label.known.sum())
    if rows < LEAST_ROWS:
        raise DataError(
            f"too few rows: {rows} of {len(label.values)} have a label, and {LEAST_ROWS} are the "
            "least to train and judge a model with.",
            hint="Collect more rows, or choose another label.",
        )
    if label.task == REGRESSION:
        return
    counts = label.counts
    enough = [name for name, count in counts.items() if count >= LEAST_CLASS_ROWS]
    if len(enough) < PAIR:
        told = ", ".join(f"{name}: {count:,}" for name, count in counts.items())
        raise DataError(
            f"the label has one class ({told} rows); a second one needs {LEAST_CLASS_ROWS} rows.",
            hint="Choose another label, or another bound in it.",
        )


def _name(expression: Expression) -> str:
    text = expression.text.replace("`", " ")
    if not expression.is_column:
        if len(expression.columns) > 1 or sum(text.count(sign) for sign in "<>=") > PAIR:
            return "label"
        for sign, word in OPERATORS.items():
            text = text.replace(sign, f" {word} ")
    name = identifier(text, "label")[:60]
    return f"{name}_label" if name in TAKEN else name


def _said(expression: Expression) -> str:
    return expression.text.strip().strip("`") if expression.is_column else expression.text.strip()
