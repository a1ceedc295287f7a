"""Tries a use case on few rows: ingests, transforms, trains and asks the model, in one process."""

import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from evergreen.errors import DataError, EvergreenError
from evergreen.settings import Settings, load_function
from evergreen.spans import Format, list_spans
from evergreen.texts import many

ROWS = 200
SPLITS = ("train", "eval", "test")
SHOWN = 5


class TrialError(EvergreenError):
    """Raised when the code of a use case fails on few rows."""


@dataclass(frozen=True)
class Step:
    """A step that was tried.

    Attributes:
        name: Its name.
        detail: What came of it.
        seconds: How long it took.
    """

    name: str
    detail: str
    seconds: float


@dataclass
class Trial:
    """A trial of a use case; what it writes is in a temporary folder.

    Attributes:
        settings: The settings of the use case.
        folder: The temporary folder.
    """

    settings: Settings
    folder: Path
    _rows: pa.Table = field(default=None)
    _schema: Any = None

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Yields the names of the steps, in order, and what to call for each."""
        yield "rows", self.rows
        yield "examples", self.examples
        yield "preprocessing_fn", self.preprocessing
        yield "run_fn", self.training
        yield "model", self.model

    def rows(self) -> str:
        """Takes rows of the newest span, or of the source if there is no span."""
        from evergreen.spans.delivery import read_delivery

        data = self.settings.data
        spans = list_spans(data.span_root)
        origin = f"span {spans[-1].number}" if spans else "the source"
        if not spans:
            cut = load_function("data.source", data.source)
            spans = cut(None, self.folder / "spans", data.period, Format.PARQUET)
        if not spans:
            raise DataError("data.source gives no span.", hint="It returns the spans it made.")
        table, _ = read_delivery(spans[-1].files[0])
        self._rows = _spread(table, ROWS)
        return f"{many(self._rows.num_rows, 'row')} of {origin}"

    def examples(self) -> str:
        """Converts the rows to examples by the schema."""
        from evergreen.components.example_gen.reader import Piece
        from evergreen.components.example_gen.writer import Form, split_folders, write_piece
        from evergreen.quality.schema import column_kinds, load_curated

        data = self.settings.data
        self._schema = load_curated(data.table_schema)
        kinds = column_kinds(self._schema)
        unknown = [name for name in self._rows.column_names if name not in kinds]
        absent = [name for name in kinds if name not in self._rows.column_names]
        if unknown or absent:
            raise DataError(
                f"{data.table_schema}: "
                + "; ".join(
                    f"{what} {', '.join(map(repr, names[:SHOWN]))}"
                    for what, names in (
                        ("does not know the columns", unknown),
                        ("has columns that the rows lack:", absent),
                    )
                    if names
                ),
                hint="Bring both together: evergreen data schema.",
            )
        form = Form(kinds, data.key, dict.fromkeys(SPLITS, 1), missing=data.missing)
        for split in split_folders(form, self.folder):
            split.mkdir()
        piece = Piece(0, "rows", 1, tuple(self._rows.combine_chunks().to_batches()))
        rejections = write_piece(piece, form, self.folder, self.folder).rejections
        if rejections.rows:
            raise DataError(
                f"{many(rejections.rows, 'row')} of {self._rows.num_rows} do not fit the schema: "
                + "; ".join(
                    f"{refused['column']}: {refused['examples'][0]['value'][:60]!r} "
                    f"{refused['reason']}"
                    for refused in rejections.report()["reasons"][:SHOWN]
                ),
                hint=f"Correct the rows, or {data.table_schema}.",
            )
        return f"{len(kinds)} columns fit {data.table_schema.name}"

    def preprocessing(self) -> str:
        """Analyzes and transforms the rows, as Transform does."""
        from evergreen.preflight.transformation import transform

        function = load_function("model.preprocessing_fn", self.settings.model.preprocessing_fn)
        names = transform(function, self._schema, self.folder)
        label = self.settings.model.label
        if label not in names:
            raise TrialError(
                f"preprocessing_fn returns no {label!r}, which model.label names; it returns "
                f"{', '.join(sorted(names)[:20])}.",
                hint="Correct model.label, or return the label.",
            )
        return f"{len(names)} outputs, {label} among them"

    def training(self) -> str:
        """Trains on the rows, as Trainer does."""
        from tfx.components.trainer.fn_args_utils import FnArgs

        function = load_function("model.run_fn", self.settings.model.run_fn)
        function(
            FnArgs(
                train_files=[f"{self.folder}/Split-train/*"],
                eval_files=[f"{self.folder}/Split-eval/*"],
                transform_graph_path=str(self.folder / "transform"),
                transform_output=str(self.folder / "transform"),
                schema_path=str(self.settings.data.table_schema),
                serving_model_dir=str(self._model),
                model_run_dir=str(self.folder / "run"),
                train_steps=10,
                eval_steps=1,
                custom_config=dict(self.settings.model.hyperparameters),
            )
        )
        return "trained"

    def model(self) -> str:
        """Checks the model's signatures, its answers, and its labels."""
        from evergreen.preflight.answers import check_model

        return check_model(self.settings, self._model, self.folder / "Split-test")

    @property
    def _model(self) -> Path:
        return self.folder / "model" / "Format-Serving"


def try_use_case(settings: Settings) -> Iterator[Step]:
    """Tries a use case; yields each step when it is done.

    Raises:
        EvergreenError: If a step fails; names the last line of the project's own code.
    """
    with tempfile.TemporaryDirectory(prefix="evergreen-check-") as folder:
        trial = Trial(settings, Path(folder))
        for name, step in trial.steps():
            start = time.monotonic()
            with _explained(name, settings):
                detail = step()
            yield Step(name, detail, time.monotonic() - start)


@contextmanager
def _explained(step: str, settings: Settings) -> Iterator[None]:
    """Turns any error into one that names the last line of the project's own code."""
    try:
        yield
    except EvergreenError:
        raise
    except Exception as error:
        project = settings.pipeline.definition[0].parent
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).is_relative_to(project)
            and not Path(frame.filename).is_relative_to(project / "evergreen")
            and ".venv" not in frame.filename
        ]
        place = ""
        if frames:
            file = os.path.relpath(frames[-1].filename, project)
            place = f"{file}, line {frames[-1].lineno}, in {frames[-1].name}: "
        said = str(error).strip().split("\n")[0][:500]
        raise TrialError(
            f"{step}: {place}{type(error).__name__}: {said}",
            hint="Correct it, and check again.",
        ) from error


def _spread(table: pa.Table, rows: int) -> pa.Table:
    """Returns rows from all over a table."""
    step = max(table.num_rows // rows, 1)
    return table.take(list(range(0, table.num_rows, step))[:rows])
