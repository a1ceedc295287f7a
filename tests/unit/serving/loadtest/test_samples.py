"""From samples to figures."""

from pathlib import Path

import numpy as np
import orjson
import pytest

from evergreen.errors import EvergreenError
from evergreen.serving.client import Client
from evergreen.serving.loadtest import Load, results, sources
from evergreen.serving.loadtest.plan import WARM_UP
from evergreen.serving.loadtest.samples import Samples, join
from tests.unit.serving.backend import MODEL, Backend


def stored(folder: Path, latency: list[float], failed: dict[int, str], every: float) -> Path:
    """A round in which a request has ended at regular times, from the start on."""
    content = {
        "ended": [at * every for at in range(len(latency))],
        "seconds": latency,
        "errors": {str(at): text for at, text in failed.items()},
        "clients": [0.0, WARM_UP + 1.0],
        "cpu": 0.5,
    }
    file = folder / "result.json"
    file.write_bytes(orjson.dumps(content))
    return file


def test_warm_up_and_what_comes_too_late_do_not_count(tmp_path: Path) -> None:
    latency = [9.0] * 10 + [0.001 * at for at in range(1, 21)] + [9.0] * 5
    file = stored(tmp_path, latency, {0: "early", 11: "bad", 12: "bad"}, every=0.1)
    samples = Samples.read(file, 2.0)
    figures = samples.figures()
    assert [figures["requests"], figures["errors"], figures["qps"]] == [20, 2, 9]
    assert samples.errors == {"bad": 2}
    answered = [at for at in range(1, 21) if at not in (2, 3)]
    assert figures["p50_ms"] == pytest.approx(np.percentile(answered, 50))
    assert figures["p99_ms"] == pytest.approx(np.percentile(answered, 99))


def test_windows_follow_the_load(tmp_path: Path) -> None:
    file = stored(tmp_path, [0.001] * 40, {}, every=0.1)
    first, second = Samples.read(file, 2.0).windows(1.0)
    assert [first["clients"], second["clients"]] == [1, 2]
    assert [first["qps"], second["qps"]] == [10, 10]


def test_rounds_are_joined_one_after_the_other(tmp_path: Path) -> None:
    first = Samples.read(stored(tmp_path, [0.001] * 20, {}, every=0.1), 1.0)
    two = Samples.read(stored(tmp_path, [0.003] * 20, {15: "bad"}, every=0.1), 1.0)
    both = join([first, two])
    assert both.seconds == 2
    assert [window["qps"] for window in both.windows(1.0)] == [10, 9]
    assert both.errors == {"bad": 1}


def test_figures_are_compared_with_the_first(tmp_path: Path) -> None:
    slow = Samples.read(stored(tmp_path, [0.004] * 20, {}, every=0.1), 1.0)
    fast = Samples.read(stored(tmp_path, [0.002] * 40, {}, every=0.05), 1.0)
    content = results.to_json({"a": [slow], "b": [fast]}, Load(1, 0, False, 1), batch=3)
    ratios = content["targets"]["b"]["ratio_to_first"]
    assert ratios["p50_ms"] == pytest.approx(0.5)
    assert ratios["qps"] == pytest.approx(2)
    assert content["targets"]["a"]["rows_per_second"] == 30


def test_a_ramp_of_the_open_loop_reaches_its_rate_at_the_end() -> None:
    load = Load(1, rate=100, ramp=True, seconds=9)
    due = [load.due(number) for number in range(501)]
    assert due[0] == 0
    assert due[500] == pytest.approx(10)  # half of 100 a second for 10 seconds
    assert 1 / (due[500] - due[499]) == pytest.approx(100, rel=0.01)
    assert load.rate_at(9) == 100


def test_rounds_share_the_time_and_none_is_empty() -> None:
    assert [load.seconds for load in Load(1, 0, False, 7).rounds(3)] == [2, 2, 3]
    with pytest.raises(EvergreenError, match="too short"):
        Load(1, 0, False, 2).rounds(3)


def test_the_requests_that_a_model_carries_can_be_sent(tmp_path: Path) -> None:
    import tensorflow as tf

    from evergreen.serving.trial import recorded

    inputs = {
        "fare": np.array([1.0, 2.0], np.float32),
        "hour": np.array([3, 4]),
        "payment": np.array([b"Cash", b""], object),
    }
    examples = {"examples": np.array([tf.train.Example().SerializeToString()], object)}
    requests = [recorded.Request("raw", inputs), recorded.Request("serving_default", examples)]
    recorded.write_requests(tmp_path, requests, "a name of its own")
    question = sources.Question("raw", None, "", 2)
    with Backend() as backend, Client(backend.grpc, model=MODEL) as client:
        target = sources.target(client, question, sources.recorded(tmp_path))
        assert target.payloads == [client.encode(inputs, "raw")]
        with pytest.raises(EvergreenError, match="it has some of 2 rows"):
            sources.target(client, sources.Question("raw", None, "", 8), sources.recorded(tmp_path))
