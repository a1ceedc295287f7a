"""The standard gRPC health service: the server under "", and each model under its name."""

from grpc_health.v1.health import aio  # type: ignore[attr-defined]
from grpc_health.v1.health_pb2 import HealthCheckResponse

from evergreen.serving.model_server.core.manager import Manager

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


class Health(aio.HealthServicer):  # type: ignore[misc]
    """The health service of a server."""

    async def follow(self, manager: Manager) -> None:
        """Updates it when models change, until cancelled.

        A model serves while it has a usable version; the server serves while a model does and no
        model of the start is still awaited.
        """
        while True:
            change = manager.change
            serving = {name: manager.is_available(name) for name in manager.names()}
            serving[""] = any(serving.values()) and not manager.awaited()
            for name, is_available in serving.items():
                await self.set(name, SERVING if is_available else NOT_SERVING)
            await change.wait()
