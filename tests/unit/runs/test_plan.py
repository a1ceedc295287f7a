"""The content of plans is checked."""

import pytest
from pydantic import ValidationError

from evergreen.runs.plan import IngestPlan, Pins, Plan, TrainPlan, ingest_plan, train_plan
from tests.unit.lineage.making import DIGESTS, make_record

SPAN = {"number": 3, "version": 2, "sha256": "0", "path": "/spans/3", "ingest_key": "key"}
INGEST = IngestPlan(span=SPAN)
TRAIN = TrainPlan(train_key="key", pins=Pins(examples=(1,)), baseline=None, model_version=1)


@pytest.mark.parametrize("halves", [{}, {"ingest": INGEST, "train": TRAIN}])
def test_a_plan_is_exactly_one_half_of_the_graph(halves: dict) -> None:
    with pytest.raises(ValidationError, match="one of them"):
        Plan(pipeline_run="run", title="", cache=True, digests=DIGESTS, **halves)


def test_every_part_of_a_run_is_a_pipeline_run_of_its_own() -> None:
    record = make_record("one", window=(SPAN,)).with_pins(Pins(examples=(7,)))
    ingest, train = ingest_plan(record, record.window[0], 5), train_plan(record)
    assert (ingest.pipeline_run, train.pipeline_run) == ("one.span-00003-v02", "one.train")
    assert ingest.ingest == IngestPlan(span=SPAN, previous_statistics=5)
    expected = TrainPlan(
        train_key="train", pins=Pins(examples=(7,)), baseline=None, model_version=1
    )
    assert train.train == expected
