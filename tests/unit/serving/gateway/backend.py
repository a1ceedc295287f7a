"""A small model server by the public stubs and REST: x / 2 + version, and versions that are bad.

`python -m tests.unit.serving.gateway.backend GRPC_PORT REST_PORT` runs it as a process.
"""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import numpy as np
from aiohttp import web

from evergreen.serving.client.tensors import fill, to_array
from evergreen.serving.protos import (
    ClassificationResponse,
    GetModelMetadataResponse,
    GetModelStatusResponse,
    ModelVersionStatus,
    MultiInferenceResponse,
    PredictResponse,
    RegressionResponse,
    SignatureDefMap,
    without_tensorflow,
)

with without_tensorflow():
    from tensorflow_serving.apis.model_service_pb2_grpc import (
        ModelServiceServicer,
        add_ModelServiceServicer_to_server,
    )
    from tensorflow_serving.apis.prediction_service_pb2_grpc import (
        PredictionServiceServicer,
        add_PredictionServiceServicer_to_server,
    )

MODEL = "half"
Answer = Callable[[int, np.ndarray], Awaitable[np.ndarray]]
PATH = re.compile(r"/v1/models/(\w+)(?:/versions/(\d+)|/labels/(\w+))?(:\w+|/metadata)?")


class FailureError(Exception):
    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


async def good(version: int, x: np.ndarray) -> np.ndarray:
    return x / 2 + version


async def alike(version: int, x: np.ndarray) -> np.ndarray:
    """Another version of which the answers are the same."""
    return x / 2 + 1


async def constant(version: int, x: np.ndarray) -> np.ndarray:
    return np.full_like(x, 1.25)


async def slow(version: int, x: np.ndarray) -> np.ndarray:
    await asyncio.sleep(0.1)
    return x / 2 + 1


async def erroring(version: int, x: np.ndarray) -> np.ndarray:
    raise FailureError(grpc.StatusCode.INTERNAL, "the model is broken")


class Server(PredictionServiceServicer, ModelServiceServicer):
    """A model, whose versions can be changed while it runs; others have the same versions.

    Attributes:
        models: Their names.
        versions: How each answers; those that are missing are not found.
        asked: What each request was on: a version, a label, or None.
        metadata: Of the last gRPC request.
        seconds: Which the last gRPC request had left.
    """

    def __init__(self, versions: dict[int, Answer]) -> None:
        self.models = {MODEL}
        self.versions = versions
        self.asked: list[int | str | None] = []
        self.metadata: dict[str, str] = {}
        self.seconds: float | None = None
        self.grpc_port = self.rest_port = 0

    @asynccontextmanager
    async def running(self, grpc_port: int = 0, rest_port: int = 0):
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_PredictionServiceServicer_to_server(self, server)
        add_ModelServiceServicer_to_server(self, server)
        self.grpc_port = server.add_insecure_port(f"127.0.0.1:{grpc_port}")
        await server.start()
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self._rest)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", rest_port).start()
        self.rest_port = runner.addresses[0][1]
        try:
            yield self
        finally:
            await server.stop(0)
            await runner.cleanup()

    async def Predict(self, request, context):  # noqa: N802
        x = to_array(request.inputs["x"])
        version, y = await self._run(request.model_spec, x, context)
        response = PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        response.model_spec.version.value = version
        fill(response.outputs["y"], y.astype(np.float32))
        return response

    async def Regress(self, request, context):  # noqa: N802
        version, y = await self._run(request.model_spec, _x(request.input), context)
        response = RegressionResponse()
        response.model_spec.version.value = version
        for value in y:
            response.result.regressions.add(value=value)
        return response

    async def Classify(self, request, context):  # noqa: N802
        version, y = await self._run(request.model_spec, _x(request.input), context)
        response = ClassificationResponse()
        response.model_spec.version.value = version
        for value in y:
            row = response.result.classifications.add()
            row.classes.add(label="low", score=1 - value)
            row.classes.add(label="high", score=value)
        return response

    async def MultiInference(self, request, context):  # noqa: N802
        response = MultiInferenceResponse()
        for task in request.tasks:
            version, y = await self._run(task.model_spec, _x(request.input), context)
            result = response.results.add()
            result.model_spec.CopyFrom(task.model_spec)
            result.model_spec.version.value = version
            for value in y:
                result.regression_result.regressions.add(value=value)
        return response

    async def GetModelMetadata(self, request, context):  # noqa: N802
        version, _ = await self._run(request.model_spec, np.zeros(1), context)
        response = GetModelMetadataResponse()
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(SignatureDefMap())
        return response

    async def GetModelStatus(self, request, context):  # noqa: N802
        response = GetModelStatusResponse()
        for version in self.versions:
            response.model_version_status.add(version=version, state=ModelVersionStatus.AVAILABLE)
        return response

    async def _run(self, spec, x, context):
        self.metadata = dict(context.invocation_metadata())
        self.seconds = context.time_remaining()
        kind = spec.WhichOneof("version_choice")
        wanted = spec.version.value if kind == "version" else spec.version_label or None
        try:
            return await self._answer(spec.name, wanted, x)
        except FailureError as error:
            await context.abort(error.code, str(error))

    async def _answer(self, name: str, wanted: int | str | None, x: np.ndarray):
        self.asked.append(wanted)
        version = wanted if isinstance(wanted, int) else max(self.versions, default=0)
        if name not in self.models or version not in self.versions:
            text = f"Servable not found for request: Specific({name}, {version})"
            raise FailureError(grpc.StatusCode.NOT_FOUND, text)
        return version, await self.versions[version](version, x)

    async def _rest(self, request: web.Request) -> web.Response:
        name, version, label, verb = PATH.fullmatch(request.path).groups()
        body = await request.read()
        x = np.array(json.loads(body)["instances"], float) if body else np.zeros(1)
        wanted = int(version) if version else label
        try:
            found, y = await self._answer(name, wanted, x)
        except FailureError as error:
            status = 404 if error.code is grpc.StatusCode.NOT_FOUND else 500
            return web.json_response({"error": str(error)}, status=status)
        return web.json_response(
            {"predictions": y.tolist()} if verb == ":predict" else {"v": found}
        )


def _x(given) -> np.ndarray:
    examples = given.example_list.examples
    return np.array([example.features.feature["x"].float_list.value[0] for example in examples])


async def _main(grpc_port: int, rest_port: int) -> None:
    async with Server({1: good}).running(grpc_port, rest_port) as server:
        print(server.grpc_port, server.rest_port, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2])))
