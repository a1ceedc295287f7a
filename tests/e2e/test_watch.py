"""The controller as a user runs it, with the real pipeline: a span lands, a model is pushed."""

import signal
import subprocess
import time
from pathlib import Path

from data.taxi.spans import cut
from evergreen.lineage.records import RunRecords
from evergreen.lineage.registry import Registry
from evergreen.lineage.stages import Stage, stages
from evergreen.lineage.store import open_store
from evergreen.runs.plan import Outcome
from evergreen.settings.models import MetadataSettings
from evergreen.spans import Format, Period, Span
from evergreen.triggers.log import Ended, TriggerLog
from tests.e2e.conftest import Command

SETTINGS = (
    "data.period=year",
    "triggers.cooldown_seconds=0",
    "triggers.attempts=1",
    "serving.exposure.by=hand",
)


def land(span: Span, root: Path) -> None:
    """Has a span appear as a publisher would: by one rename."""
    target = root / span.path.parent.name / span.path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    span.path.rename(target)


def test_spans_that_land_become_models(command: Command, folder: Path, tmp_path: Path) -> None:
    spans = cut(None, tmp_path, Period.YEAR, Format.PARQUET)
    words = [word for pair in SETTINGS for word in ("--set", pair)]
    store = open_store(MetadataSettings(sqlite=folder / "metadata.sqlite"))
    log = TriggerLog(store, "taxi")
    root = folder / "spans" / "year"
    said = folder / "watch.log"
    for span in spans[:2]:
        land(span, root)
    with (
        said.open("w") as stream,
        subprocess.Popen(
            command("watch", "-u", "taxi", *words), stdout=stream, stderr=stream
        ) as process,
    ):
        for runs in (1, 2):
            while len(log.of(Ended)) < runs:
                assert process.poll() is None, said.read_text()
                time.sleep(0.2)
                log.refresh()
            if runs == 1:
                land(spans[2], root)
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
    first, second = RunRecords(store).of_model("taxi")
    assert [first.outcome, second.outcome] == [Outcome.PUSHED, Outcome.PUSHED], said.read_text()
    assert [[span.number for span in run.window] for run in (first, second)] == [[1, 2], [1, 2, 3]]
    assert [span.number for span in second.to_ingest] == [3]
    assert stages(Registry(store, "taxi").events()) == {1: Stage.SERVING, 2: Stage.CANARY}
    line = command("triggers", "explain", second.run_id)
    story = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    for words in ("span 3 has landed", "Data gate, span 3", "Model gate", "version 2 is canary"):
        assert words in story
