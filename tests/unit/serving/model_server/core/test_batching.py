"""Requests that wait are run together, within the limits, and each gets its own answer."""

import asyncio
import threading

import grpc
import numpy as np
import pytest

from evergreen.serving.model_server.core.batching import Scheduler
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.metrics import Metrics

pytestmark = pytest.mark.asyncio


class Halving:
    """A signature x -> x / 2 that notes its batches, and waits in each until it is let go."""

    inputs = ("x",)

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.started = asyncio.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self._loop = asyncio.get_running_loop()

    def __call__(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        x = inputs["x"]
        self.batches.append(x.tolist())
        self._loop.call_soon_threadsafe(self.started.set)
        assert self.go_on.wait(60)
        if x.dtype == object:
            return {"y": x}
        if (x < 0).any():
            raise invalid("negative")
        return {"y": x / 2}


class Batched:
    """A scheduler with one thread and a signature; `ask` makes a request."""

    def __init__(self, **options: object) -> None:
        self.model = Halving()
        self.metrics = Metrics()
        chosen = BatchingOptions(**{"num_batch_threads": 1, **options})
        self.scheduler = Scheduler(chosen, self.metrics)
        self.run = self.scheduler.runner("half")

    def ask(self, values: object, dtype: type = np.float32) -> asyncio.Task[dict[str, np.ndarray]]:
        array = np.array(values, dtype)
        return asyncio.ensure_future(self.run(self.model, {"x": array}))

    async def hold(self) -> asyncio.Task[dict[str, np.ndarray]]:
        """Keeps the one thread busy until the model is let go."""
        self.model.go_on.clear()
        first = self.ask([1000])
        await self.model.started.wait()
        return first


async def answers(tasks: list[asyncio.Task[dict[str, np.ndarray]]]) -> list[list[float]]:
    return [outputs["y"].tolist() for outputs in await asyncio.gather(*tasks)]


async def all_enqueued() -> None:
    """Lets tasks that were just made run up to where they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_requests_that_wait_are_run_together() -> None:
    batched = Batched()
    first = await batched.hold()
    later = [batched.ask([number, number + 0.5]) for number in range(5)]
    await all_enqueued()
    batched.model.go_on.set()
    assert await answers([first, *later]) == [
        [500],
        *([number / 2, number / 2 + 0.25] for number in range(5)),
    ]
    assert [len(batch) for batch in batched.model.batches] == [1, 10]


async def test_a_batch_has_a_largest_size_and_a_full_one_waits_no_longer() -> None:
    batched = Batched(max_batch_size=4, batch_timeout_micros=3600 * 10**6)
    tasks = [batched.ask([number, number]) for number in range(4)]
    assert await answers(tasks) == [[number / 2] * 2 for number in range(4)]
    assert batched.model.batches == [[0, 0, 1, 1], [2, 2, 3, 3]]


async def test_a_batch_that_does_not_fill_up_runs_after_the_timeout() -> None:
    batched = Batched(max_batch_size=4, batch_timeout_micros=1000)
    assert await answers([batched.ask([3]), batched.ask([5])]) == [[1.5], [2.5]]
    assert batched.model.batches == [[3, 5]]


async def test_a_batch_is_padded_to_an_allowed_size() -> None:
    batched = Batched(max_batch_size=8, allowed_batch_sizes=(4, 8))
    assert await answers([batched.ask([1, 2, 3])]) == [[0.5, 1, 1.5]]
    assert batched.model.batches == [[1, 2, 3, 1]]


async def test_large_rows_are_not_padded_to_much_more_memory() -> None:
    batched = Batched(max_batch_size=64, allowed_batch_sizes=(64,), batch_timeout_micros=0)
    wide = np.zeros((1, 2**20), np.float32)  # 64 rows are 256 MiB
    outputs = await batched.run(batched.model, {"x": wide})
    assert outputs["y"].shape == (1, 2**20)
    assert [len(rows) for rows in batched.model.batches] == [1]


async def test_a_full_queue_refuses_more() -> None:
    batched = Batched(max_batch_size=2, max_enqueued_batches=2)
    first = await batched.hold()
    waiting = [batched.ask([number]) for number in range(4)]
    await all_enqueued()
    with pytest.raises(ServingError, match="queue to which this task was submitted is full") as no:
        await batched.ask([5])
    assert no.value.code is grpc.StatusCode.UNAVAILABLE
    batched.model.go_on.set()
    assert await answers([first, *waiting]) == [[500], [0], [0.5], [1], [1.5]]


async def test_a_request_that_was_given_up_is_not_run() -> None:
    batched = Batched()
    first = await batched.hold()
    given_up, kept = batched.ask([7]), batched.ask([8])
    await all_enqueued()
    given_up.cancel()
    await all_enqueued()
    batched.model.go_on.set()
    assert await answers([first, kept]) == [[500], [4]]
    assert batched.model.batches == [[1000], [8]]


async def test_a_request_that_the_model_refuses_fails_alone() -> None:
    batched = Batched()
    first = await batched.hold()
    tasks = [batched.ask([number]) for number in (2, -1, 4)]
    await all_enqueued()
    batched.model.go_on.set()
    assert await answers([first, tasks[0], tasks[2]]) == [[500], [1], [2]]
    with pytest.raises(ServingError, match="negative") as refused:
        await tasks[1]
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_requests_of_other_shapes_do_not_go_together() -> None:
    batched = Batched()
    batched.model.go_on.clear()
    first = batched.ask([[1]])
    await batched.model.started.wait()
    later = [batched.ask([[2, 4]]), batched.ask([[6]]), batched.ask([[8, 10]])]
    await all_enqueued()
    batched.model.go_on.set()
    assert await answers([first, *later]) == [[[0.5]], [[1, 2]], [[3]], [[4, 5]]]
    assert batched.model.batches == [[[1]], [[2, 4], [8, 10]], [[6]]]


async def test_lengths_are_padded_if_asked_for() -> None:
    batched = Batched(pad_variable_length_inputs=True)
    batched.model.go_on.clear()
    first = batched.ask([[b"a"]], object)
    await batched.model.started.wait()
    later = [batched.ask([[b"b"]], object), batched.ask([[b"c", b"d"]], object)]
    await all_enqueued()
    batched.model.go_on.set()
    assert await answers([first, *later]) == [[[b"a"]], [[b"b", b""]], [[b"c", b"d"]]]


async def test_a_large_request_is_cut_if_allowed() -> None:
    values = list(range(10))
    small = Batched(max_batch_size=4)
    with pytest.raises(ServingError, match="Task size 10 is larger than maximum input batch size"):
        await small.ask(values)
    cutting = Batched(
        max_batch_size=10, enable_large_batch_splitting=True, max_execution_batch_size=4
    )
    assert await answers([cutting.ask(values)]) == [[value / 2 for value in values]]
    assert [len(batch) for batch in cutting.model.batches] == [4, 4, 2]


async def test_a_scalar_cannot_be_batched() -> None:
    with pytest.raises(ServingError, match="must have at least one dimension"):
        await Batched().ask(1.0)


async def test_an_empty_request_has_an_empty_answer() -> None:
    batched = Batched(max_batch_size=4, allowed_batch_sizes=(2, 4))
    assert await answers([batched.ask([])]) == [[]]


async def test_sizes_and_waits_are_measured() -> None:
    batched = Batched()
    await answers([batched.ask([1, 2, 3])])
    text = batched.metrics.text().decode()
    assert (
        ':tensorflow:serving:batching_session:processed_batch_size_sum{model_name="half"} 3.0'
        in text
    )
    assert "queuing_latency_count" in text
