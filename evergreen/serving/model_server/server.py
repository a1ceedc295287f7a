"""The server's lifecycle: loads models, opens ports, answers requests, and drains."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import tensorflow as tf
import uvloop
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from evergreen.serving.connections import Listening, listen
from evergreen.serving.lifetime import until_told
from evergreen.serving.model_server import config
from evergreen.serving.model_server.core.errors import ServingError, invalid
from evergreen.serving.model_server.core.manager import Manager
from evergreen.serving.model_server.grpc_front import server as grpc_server
from evergreen.serving.model_server.grpc_front.health import Health
from evergreen.serving.model_server.metrics import Metrics
from evergreen.serving.model_server.options import Options
from evergreen.serving.model_server.rest.app import make_app

log = logging.getLogger(__name__)
DRAIN_SECONDS = 25.0
"""The longest wait for requests in flight at the end; Kubernetes kills after 30 seconds."""
SWITCH_SECONDS = 0.001
"""The longest time that a thread may hold Python's lock, such as one that loads a model."""


def run(options: Options, models: ModelServerConfig | None = None) -> None:
    """Serves until SIGTERM or SIGINT, then drains.

    Args:
        options: The flags.
        models: The models to serve; None for those that the flags name.

    Raises:
        ServingError: If the server cannot start.
    """
    _set_up_tensorflow(options)
    gc.collect()
    gc.freeze()  # exempts imported objects from collections, which get 20 times faster
    sys.setswitchinterval(SWITCH_SECONDS)
    uvloop.run(until_told(serve(options, models)))


async def serve(options: Options, models: ModelServerConfig | None = None) -> None:
    """Serves until cancelled, then drains.

    Args:
        options: The flags.
        models: The models to serve; None for those that the flags name.

    Raises:
        ServingError: If the server cannot start.
    """
    _check_ports(options)
    first = models or config.models(options)
    manager = Manager(options, config.batching(options), Metrics())
    watching = asyncio.create_task(manager.watch())
    try:
        await manager.reload(first, at_start=True)
        if awaited := manager.awaited():
            log.warning("not ready until there is a version of %s", ", ".join(sorted(awaited)))
        async with _fronts(manager, options), asyncio.TaskGroup() as background:
            background.create_task(_join(watching))
            if options.model_config_file and models is None:
                background.create_task(_watch_config(manager, options))
            await asyncio.Event().wait()
    finally:
        watching.cancel()
        await manager.close()


async def _join(task: asyncio.Task[None]) -> None:
    await task


def _check_ports(options: Options) -> None:
    """Raises ServingError if the flags for ports are impossible, before models are loaded."""
    grpc_server.addresses(options)
    if options.rest_api_port and options.rest_api_port == options.port:
        raise invalid(
            "server_options.http_port cannot be same as grpc_port. Please use a different port "
            "for HTTP/REST API."
        )


@asynccontextmanager
async def _fronts(manager: Manager, options: Options) -> AsyncIterator[None]:
    """Answers requests; at the end tells probes, and waits for requests in flight."""
    servicer = Health()
    answering = grpc_server.build(manager, servicer, options)
    try:
        rest = await _start_rest(manager, options)
    except ServingError:
        await answering.stop(None)  # it has bound its port already
        raise
    await answering.start()
    reporting = asyncio.create_task(servicer.follow(manager))
    log.info("Running gRPC ModelServer at %s ...", ", ".join(grpc_server.addresses(options)))
    try:
        yield
    finally:
        reporting.cancel()
        await servicer.enter_graceful_shutdown()
        log.info("draining: requests in flight have %g s", DRAIN_SECONDS)
        ending = [rest.cleanup()] if rest else []
        await asyncio.gather(answering.stop(DRAIN_SECONDS), *ending)


async def _start_rest(manager: Manager, options: Options) -> Listening | None:
    if not options.rest_api_port:
        return None
    address = options.address(options.rest_api_port)
    try:
        door = await listen(
            make_app(manager, options),
            options.bare_host,
            options.rest_api_port,
            drain_seconds=DRAIN_SECONDS,
        )
    except OSError as error:
        raise invalid(f"Failed to start HTTP Server at {address}: {error.strerror}") from error
    log.info("Exporting HTTP/REST API at:%s ...", address)
    return door


async def _watch_config(manager: Manager, options: Options) -> None:
    """Reads the file of the models repeatedly, and applies it."""
    seconds = options.model_config_file_poll_wait_seconds
    while seconds > 0:
        await asyncio.sleep(seconds)
        try:
            async with asyncio.timeout(seconds):  # does not wait for a model that never comes
                await manager.reload(config.models(options))
        except (ServingError, TimeoutError) as error:
            why = str(error) or "a model has no version yet"
            log.error("PollFilesystemAndReloadConfig failed to ReloadConfig: %s", why)


def _set_up_tensorflow(options: Options) -> None:
    """Sets TensorFlow's threads.

    Raises:
        ServingError: If the flags contradict each other.
    """
    alone = options.tensorflow_intra_op_parallelism or options.tensorflow_inter_op_parallelism
    if options.tensorflow_session_parallelism and alone:
        raise invalid(
            "Either configure server_options.tensorflow_session_parallelism or "
            "(server_options.tensorflow_intra_op_parallelism, "
            "server_options.tensorflow_inter_op_parallelism) separately. You cannot configure all."
        )
    tf.config.threading.set_intra_op_parallelism_threads(options.parallelism[0])
    tf.config.threading.set_inter_op_parallelism_threads(options.parallelism[1])
    tf.get_logger().setLevel(logging.ERROR)  # no warnings about loading into sessions
