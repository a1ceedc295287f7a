"""The limit of gRPC here: a server that answers at once with the same bytes.

`python -m benchmarks.serving.limit PORT` runs it, on the library and loop that ours has.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import uvloop

from benchmarks.serving.servers import Server, free_port, running

ANSWER = bytes(120)
"""About as long as a prediction of one row."""


class Nothing(grpc.GenericRpcHandler):
    """Answers every method."""

    def service(self, details: Any) -> Any:
        """Returns the one handler there is."""
        del details
        return grpc.unary_unary_rpc_method_handler(_answer)


@contextmanager
def does_nothing(log: Path) -> Iterator[Server]:
    """Runs it until the end of the block."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", __name__, address]
    with running(command, log, lambda: _is_up(address)):
        yield Server(address, "")


async def _answer(request: bytes, context: Any) -> bytes:
    del request, context
    return ANSWER


async def _serve(address: str) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Nothing(),))
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


def _is_up(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(1)
        except grpc.FutureTimeoutError:
            return False
    return True


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
