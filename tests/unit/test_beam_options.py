"""The runner of Beam picks itself: by data and cores, unless somebody names one."""

import pytest

from evergreen.beam_options import MIB, available_cores, choose, in_process, threshold
from evergreen.settings import load_settings
from tests.project import ROOT

GIB = 1024 * MIB


def test_little_data_stays_in_one_process() -> None:
    chosen = choose(["--beam_plugin=tfx"], 8 * MIB, cores=16)
    assert in_process(chosen.options)
    assert chosen.told == "in one process: 8.0 MiB of examples"


def test_much_data_gets_a_worker_a_core() -> None:
    chosen = choose([], 10 * GIB, cores=4)
    assert not in_process(chosen.options)
    assert "--direct_num_workers=4" in chosen.options
    assert chosen.told == "in 4 worker processes: 10,240.0 MiB of examples"


def test_one_core_has_no_use_for_workers() -> None:
    assert in_process(choose([], 1000 * GIB, cores=1).options)


def test_the_threshold_is_where_workers_are_done_first() -> None:
    for cores in (2, 4, 64):
        assert in_process(choose([], int(threshold(cores)), cores).options)
        assert not in_process(choose([], int(threshold(cores)) + 1, cores).options)
    assert threshold(64) < threshold(4) < threshold(2)


@pytest.mark.parametrize(
    "given",
    ["--runner=FlinkRunner", "--runner=FnApiRunner", "--direct_running_mode=multi_threading"],
)
def test_what_is_named_is_taken(given: str) -> None:
    assert choose([given], 1000 * GIB, cores=64).options == ()


def test_a_number_of_workers_is_taken() -> None:
    given = ["--direct_num_workers=3"]
    assert "--direct_num_workers=3" in choose(given, 10 * GIB, cores=64).options
    assert in_process(choose(["--direct_num_workers=1"], 10 * GIB, cores=64).options)


def test_other_runners_are_no_process_of_ours() -> None:
    assert not in_process(["--runner=FlinkRunner"])
    assert not in_process([])


def test_there_is_a_core() -> None:
    assert available_cores() >= 1


def test_the_overlay_for_flink_leaves_this_process() -> None:
    args = load_settings(ROOT, ["flink"]).beam.args
    chosen = choose(args, 8 * MIB, cores=16)
    assert (chosen.options, chosen.told) == ((), "as beam.args say")
    assert not in_process(args)


def test_ingestion_goes_to_workers_where_a_runner_that_has_some_is_named() -> None:
    flink = load_settings(ROOT, ["flink"]).beam
    assert flink.workers == flink.args
    assert load_settings(ROOT).beam.workers == []
    assert load_settings(ROOT, overrides=["beam.args=[--runner=FnApiRunner]"]).beam.workers == []
