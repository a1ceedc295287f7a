"""The files of a designed use case: declaration, model, spans, schema, settings, tests, docs."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from evergreen.scaffold.baselines import HIGHER, Reached
from evergreen.scaffold.code import call, marked, prose
from evergreen.scaffold.design import Design, is_taken
from evergreen.scaffold.expression import literal
from evergreen.scaffold.label import BINARY, MULTICLASS, REGRESSION
from evergreen.scaffold.profile import Column, Kind
from evergreen.scaffold.proposals import CLASSES, Treatment
from evergreen.scaffold.schema import schema_text
from evergreen.scaffold.settings_text import flow, is_writable
from evergreen.spans.source import is_database
from evergreen.texts import number, percent, visible

LISTED = 20
SLICES, SLICED_VALUES = 3, range(2, 26)
OLD_DAYS = 400
CERTAIN_POSITIVES = 300
"""With so many positive test rows, chance moves the calibration by less than 0.2."""
LARGE = 100_000
FASTER = {"dropout": 0.2, "learning_rate": 0.002, "max_epochs": 12, "patience": 2}
"""For many rows: as good as the defaults in a fraction of the time."""
ARROW = {Kind.NUMBER: "pa.float64()", Kind.TEXT: "pa.string()"}
READABLE = {"log_loss": "log loss", "auc": "AUC", "r2": "R2", "rmse": "RMSE", "mae": "MAE"}


def files(design: Design, project: Path) -> dict[Path, str]:
    """Returns the content of each file, by its path below the project's folder.

    Args:
        design: The use case.
        project: The project's folder, from which a source inside of it is named.
    """
    name = design.name
    texts = {
        f"models/{name}/__init__.py": _render("models_init.py", docstring=_docstring(design)),
        f"models/{name}/features.py": _features(design),
        f"models/{name}/model.py": _render("model.py", name=name, constant=_constant(design)),
        f"data/{name}/__init__.py": _render("data_init.py", name=name),
        f"data/{name}/spans.py": _spans(design, project),
        f"data/{name}/schema.pbtxt": _schema(design),
        f"tests/unit/models/{name}/__init__.py": "",
        f"tests/unit/models/{name}/test_features.py": _tests(design),
        f"docs/use-cases/{name}.md": _page(design),
        f"configs/{name}.yaml": _settings(design),
    }
    return {Path(path): text for path, text in texts.items()}


def _render(template: str, **values: object) -> str:
    environment = Environment(
        loader=PackageLoader("evergreen.scaffold"),
        autoescape=False,  # noqa: S701 - the output is code, and all texts are quoted for it
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    text = environment.get_template(f"{template}.j2").render(values)
    return marked(text) if template.endswith(".py") else text


def _title(design: Design) -> str:
    return design.name.replace("_", " ").capitalize()


def _constant(design: Design) -> str:
    return design.name.upper()


def _what(design: Design) -> str:
    label = design.label
    if label.task == BINARY:
        return f"whether {label.meaning}"
    return label.meaning if label.task == REGRESSION else f"{label.name}: {label.meaning}"


def _docstring(design: Design) -> str:
    return prose(f"Predicts {_what(design)}.")[:96].split("\n")[0].rstrip(".") + "."


def _features(design: Design) -> str:
    label = design.label
    code = label.code
    is_plain = label.expression.is_column and code == label.expression.code
    classes = {CLASSES[item.treatment] for item in design.features} | {"Label", "Table"}
    if label.task != BINARY:
        classes.add("Task")
    names = call("from evergreen.tabular import ", sorted(classes))
    if "\n" not in names:
        names = names.replace("(", "").replace(")", "")
    function = None if is_plain else {
        "name": label.name,
        "code": code,
        "docstring": _returns(design),
        "constants": label.expression.constants,
    }  # fmt: skip
    return _render(
        "features.py",
        name=design.name,
        constant=_constant(design),
        left_out=_left_out(design),
        import_line=names,
        function=function,
        features=[item.code for item in design.features],
        label=_label(design, is_plain),
    )


def _returns(design: Design) -> str:
    label = design.label
    said = prose(label.meaning)[:60].split("\n")[0]
    if label.task == BINARY:
        return f"Returns whether {said}, bool [n]."
    return f"Returns {'the class' if label.task == MULTICLASS else said}, [n]."


def _left_out(design: Design) -> str:
    listed = [f"{item.name} ({item.reason})" for item in design.left_out[:LISTED]]
    if not listed:
        return "No column is left out."
    more = len(design.left_out) - len(listed)
    rest = f"; and {more:,} more" if more else ""
    return prose(f"Left out: {'; '.join(listed)}{rest}.")


def _label(design: Design, is_plain: bool) -> str:
    label = design.label
    columns = call("", [literal(name) for name in label.expression.columns])
    arguments = [literal(label.name), f"columns={columns}"]
    if not is_plain:
        arguments.append(f"function={label.name}")
    if label.task != BINARY:
        arguments.append(f"task=Task.{label.task.upper()}")
    if label.classes:
        names = [literal(name) for name in label.classes]
        arguments.append(call("classes=", names, indent=8))
    return call("label=Label", arguments, indent=4)


def _spans(design: Design, project: Path) -> str:
    request = design.request
    source = request.source
    taken = {item.name for item in design.proposals if is_taken(item)}
    dropped = [name for name in design.profile.columns if name not in taken]
    moments = [
        column.name
        for column in design.profile.columns.values()
        if column.kind is Kind.MOMENT and not column.source.startswith("int")
    ]
    constants: list[tuple[str, str]] = [("KEY", literal(design.key))]
    read, cut = ["source or SOURCE"], ["rows", "root", "period", "file_format", "key=KEY"]
    if request.query:
        constants.append(("QUERY", literal(request.query)))
        read.append("query=None if source else QUERY")
    if request.time:
        constants.append(("TIME", literal(request.time)))
    cut.append(f"timestamp={'TIME' if request.time else 'None'}")
    if design.zone != "UTC":
        constants.append(("ZONE", literal(design.zone)))
        cut.append("zone=ZONE")
    if design.renamed:
        pairs = [f"{literal(old)}: {literal(new)}" for old, new in design.renamed.items()]
        constants.append(("NAMES", "{\n" + "".join(f"    {pair},\n" for pair in pairs) + "}"))
        read.append("names=NAMES")
    for constant, argument, names in (
        ("MOMENTS", "moments", moments),
        ("MISSING", "missing", design.profile.tokens if moments else ()),
        ("WITHOUT", "without_columns", dropped),
    ):
        if names:
            value = call(f"{constant} = ", [literal(name) for name in names])
            constants.append((constant, value.removeprefix(f"{constant} = ")))
            read.append(f"{argument}={constant}")
    return _render(
        "spans.py",
        name=design.name,
        time=request.time,
        source=_source(source, project),
        constants=constants,
        docstring=f"Publishes one span for each calendar period ({design.zone}) that has rows."
        if request.time
        else "Publishes all rows as one span.",
        read=call("rows = read_rows", read, indent=4),
        cut=call("return cut_table", cut, indent=4),
    )


def _source(source: str | Path, project: Path) -> str:
    if is_database(source):
        return literal(str(source))
    path = Path(source).resolve()
    if path.is_relative_to(project.resolve()):
        inside = path.relative_to(project.resolve())
        return f"Path(__file__).parents[2] / {literal(str(inside))}"
    return f"Path({literal(str(path))})"


def _schema(design: Design) -> str:
    return schema_text(_title(design), design.key, design.rules, design.periods)


def _settings(design: Design) -> str:
    label, slices = design.label, _slices(design)
    newest = _newest(design)
    moving = {
        rule.column.name: 1
        for rule in design.rules
        if rule.is_served and is_writable(rule.column.name)
        and (rule.moves or rule.column.kind is Kind.MOMENT)
    }  # fmt: skip
    return _render(
        "settings.yaml",
        title=f"{_title(design)}: {visible(_what(design), 150)}",
        name=design.name,
        period=design.period.value,
        key=flow(design.key),
        timestamp=flow(design.request.time),
        missing=flow(design.profile.tokens) if design.profile.tokens else "",
        task=label.task,
        classes=flow(label.classes) if label.classes else "",
        label=flow(label.name),
        hyperparameters=flow(_hyperparameters(design)),
        bounds=[f"- {flow(bound)}" for bound in _bounds(design)],
        not_worse=[f"- {flow(rule)}" for rule in _not_worse(design, slices)],
        slices=flow(slices),
        is_old=newest is not None and newest < datetime.now(UTC) - timedelta(days=OLD_DAYS),
        moving=flow(moving) if moving else "",
        performance=[f"- {flow(rule)}" for rule in _performance(design)],
        slicings=flow([{"feature": name} for name in slices[:1]]),
    )


def _slices(design: Design) -> list[str]:
    """Returns the features with few frequent values, by which a model may be worse in a part."""
    fitting = {Treatment.CATEGORY, Treatment.BOOLEAN, Treatment.INTEGER}
    found = [
        item.column
        for item in design.features
        if item.treatment in fitting
        and item.column.distinct in SLICED_VALUES
        and is_writable(item.name)
    ]
    found.sort(key=lambda column: (column.kind is not Kind.TEXT, column.distinct))
    return [column.name for column in found[:SLICES]]


def _newest(design: Design) -> datetime | None:
    if not design.request.time:
        return None
    return datetime.fromtimestamp(design.profile[design.request.time].range[1], UTC)


def _hyperparameters(design: Design) -> Mapping[str, object]:
    rows = int(design.label.known.sum())
    return FASTER if rows >= LARGE else {}


def _bounds(design: Design) -> Iterator[Mapping[str, object]]:
    for reached in design.reached.values():
        side = "at_least" if reached.higher_is_better else "at_most"
        yield {"metric": reached.metric, side: reached.bound}
    label = design.label
    if label.task == BINARY and label.counts["yes"] / 5 >= CERTAIN_POSITIVES:
        yield {"metric": "calibration", "at_least": 0.8, "at_most": 1.25}


def _not_worse(design: Design, slices: Sequence[str]) -> Iterator[Mapping[str, object]]:
    loss = next(iter(design.reached.values()))
    yield {"metric": loss.metric, "margin": loss.margin}
    if slices:
        by = [{"feature": name} for name in slices]
        yield {"metric": loss.metric, "margin": float(f"{2 * loss.margin:.6g}"), "by": by}


def _performance(design: Design) -> Iterator[Mapping[str, object]]:
    for reached in list(design.reached.values())[:2]:
        lost = abs(reached.boosted - reached.trivial) * 0.1
        yield {"metric": reached.metric, "worse_by": float(f"{max(lost, reached.margin):.1g}")}
    if design.label.task == BINARY:
        yield {"metric": "calibration", "at_least": 0.7, "at_most": 1.4}


def _tests(design: Design) -> str:
    columns = [design.profile[name] for name in design.label.expression.columns]
    types = {literal(column.name): ARROW.get(column.kind, "pa.int64()") for column in columns}
    return _render(
        "test_features.py",
        name=design.name,
        constant=_constant(design),
        types="{" + ", ".join(f"{name}: {type_}" for name, type_ in types.items()) + "}",
        cases=list(_cases(design, columns)),
    )


def _cases(design: Design, columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """Yields a row of each class, or of some numbers, and one without a label."""
    values = design.label.values
    known = np.flatnonzero(design.label.known)
    _, places = np.unique(values[known], return_index=True)
    chosen = known[places][:: max(len(places) // 3, 1)][:4]
    for at in [*chosen.tolist(), *np.flatnonzero(~design.label.known)[:1].tolist()]:
        row = ", ".join(
            f"{literal(column.name)}: {literal(column.values[at].as_py())}" for column in columns
        )
        is_known = bool(design.label.known[at])
        yield f"{{{row}}}", repr(float(np.float32(values[at]))) if is_known else "np.nan"


def _page(design: Design) -> str:
    label = design.label
    counts = {} if label.task == REGRESSION else label.counts
    shares = [
        f"{percent(count / max(sum(counts.values()), 1))} {name}" for name, count in counts.items()
    ]
    return _render(
        "page.md",
        title=_title(design),
        name=design.name,
        what=_cell(_what(design)),
        task=label.task,
        reason=label.reason,
        rows=f"{design.profile.rows:,}",
        covered=f" of {design.periods[0]} and later" if design.periods else "",
        labelled=f"{int(label.known.sum()):,}",
        classes=_cell(f": {', '.join(shares[:10])}") if shares else "",
        columns=[
            (_cell(item.name), item.column.kind.value, item.treatment.value, _cell(item.reason))
            for item in design.proposals
        ],
        reached=[_reached(reached) for reached in design.reached.values()],
    )


def _reached(reached: Reached) -> tuple[str, str, str, str]:
    sign = "at least" if reached.metric in HIGHER else "at most"
    name = READABLE.get(reached.metric, reached.metric)
    return name, number(reached.trivial), number(reached.boosted), f"{sign} {reached.bound:g}"


def _cell(text: str) -> str:
    """Returns text for a cell of a Markdown table, with nothing that Markdown would act on."""
    shown = visible(text)
    for sign in "\\`*_{}[]<>|#$":
        shown = shown.replace(sign, f"\\{sign}")
    return shown
