"""Both APIs through the gateway, on real ports, with the public stubs."""

import asyncio
import json
import uuid

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from scipy.stats import binom

from evergreen.serving.gateway.registry import Targets
from evergreen.serving.protos import (
    ClassificationRequest,
    Example,
    GetModelMetadataRequest,
    GetModelStatusRequest,
    MultiInferenceRequest,
    RegressionRequest,
    without_tensorflow,
)
from tests.unit.serving.gateway.backend import MODEL, erroring, good
from tests.unit.serving.gateway.worlds import Wanted, request, world

with without_tensorflow():
    from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub

Code = grpc.StatusCode
STABLE_ONLY = {"canary": {"steps": [0]}}


def examples(kind: type, *values: float):
    asked = kind()
    for value in values:
        example = Example()
        example.features.feature["x"].float_list.value.append(value)
        asked.input.example_list.examples.append(example)
    if kind is not MultiInferenceRequest:
        asked.model_spec.name = MODEL
    return asked


def test_every_rpc_is_answered_by_the_version_that_the_gateway_chose() -> None:
    async def scenario() -> None:
        async with world(**STABLE_ONLY) as here:
            assert await here.predict([1.0, 3.0]) == (1, [1.5, 2.5])
            regressed = await here.stub.Regress(examples(RegressionRequest, 1.0))
            assert regressed.result.regressions[0].value == 1.5
            classified = await here.stub.Classify(examples(ClassificationRequest, 1.0))
            assert classified.result.classifications[0].classes[1].score == 1.5
            several = examples(MultiInferenceRequest, 1.0)
            for _ in range(2):
                several.tasks.add().model_spec.name = MODEL
            answered = await here.stub.MultiInference(several)
            assert [result.model_spec.version.value for result in answered.results] == [1, 1]
            wanted = GetModelMetadataRequest(metadata_field=["signature_def"])
            wanted.model_spec.name = MODEL
            assert (await here.stub.GetModelMetadata(wanted)).model_spec.version.value == 1
            assert here.server.asked == [1] * 6

            status = GetModelStatusRequest()
            status.model_spec.name = MODEL
            states = await ModelServiceStub(here.channel).GetModelStatus(status)
            assert [status.version for status in states.model_version_status] == [1, 2]

    asyncio.run(scenario())


def test_what_names_a_version_or_a_label_passes_as_it_is() -> None:
    async def scenario() -> None:
        async with world(**STABLE_ONLY) as here:
            answer = await here.stub.Predict(request(version=2))
            assert answer.model_spec.version.value == 2
            await here.stub.Predict(request(label="canary"))
            assert here.server.asked == [2, "canary"]
            with pytest.raises(grpc.aio.AioRpcError, match=r"Specific\(other, 2\)"):
                await here.stub.Predict(request(name="other"))
            for path in ("versions/2", "labels/canary"):
                url = f"{here.url}/v1/models/{MODEL}/{path}:predict"
                async with here.session.post(url, json={"instances": [1.0]}) as response:
                    assert await response.json() == {"predictions": [1.5]}
            assert here.server.asked[-2:] == [2, "canary"]
            assert await here.metric("evergreen_gateway_requests_total", arm="direct") == 5

    asyncio.run(scenario())


def test_rest_answers_come_from_the_version_that_the_gateway_chose() -> None:
    async def scenario() -> None:
        async with world(**STABLE_ONLY) as here:
            assert await here.post([1.0, 3.0]) == (1, {"predictions": [1.5, 2.5]})
            assert await here.get(f"/v1/models/{MODEL}/metadata") == (200, b'{"v": 1}')
            assert here.server.asked == [1, 1]
            assert (await here.get("/monitoring/prometheus/metrics"))[0] == 404

    asyncio.run(scenario())


def test_both_apis_share_the_traffic() -> None:
    async def scenario() -> None:
        async with world(canary={"steps": [25]}) as here:
            versions = await here.flood(600)
            versions += [(await here.post())[0] for _ in range(200)]
            low, high = binom.interval(0.999, 800, 0.25)
            assert low <= versions.count(2) <= high
            counted = await here.metric("evergreen_gateway_requests_total", version="2")
            assert counted == versions.count(2)

    asyncio.run(scenario())


def test_clients_with_a_sticky_key_stay_with_their_version() -> None:
    async def scenario() -> None:
        canary = {"steps": [50], "sticky_header": "x-user"}
        async with world(canary=canary) as here:
            by_grpc = {
                user: [(await here.predict(metadata=[("x-user", f"{user}")]))[0] for _ in range(3)]
                for user in range(40)
            }
            by_rest = {
                user: [(await here.post(headers={"X-User": f"{user}"}))[0]] * 3
                for user in range(40)
            }
            assert by_grpc == by_rest
            assert {versions[0] for versions in by_grpc.values()} == {1, 2}
            assert all(len(set(versions)) == 1 for versions in by_grpc.values())

    asyncio.run(scenario())


def test_shadow_traffic_reaches_the_canary_and_no_client() -> None:
    async def scenario() -> None:
        canary = {"steps": [0], "shadow_percent": 100, "shadow_limit": 1000}
        async with world({1: good, 2: erroring}, canary=canary) as here:
            assert await here.flood(50) == [1] * 50
            assert sorted(here.server.asked) == [1] * 50 + [2] * 50
            shadows = {"arm": "shadow", "version": "2", "code": "INTERNAL"}
            assert await here.metric("evergreen_gateway_requests_total", **shadows) == 50

    asyncio.run(scenario())


def test_copies_are_bounded() -> None:
    hold = asyncio.Event()

    async def stuck(version, x):
        await hold.wait()
        return x

    async def scenario() -> None:
        canary = {"steps": [0], "shadow_percent": 100, "shadow_limit": 2}
        async with world({1: good, 2: stuck}, canary=canary) as here:
            for _ in range(10):
                assert (await here.predict())[0] == 1
            assert await here.metric("evergreen_gateway_shadows_dropped_total") == 8
            hold.set()

    asyncio.run(scenario())


def test_ids_of_requests_are_kept_or_made_and_given_back() -> None:
    async def scenario() -> None:
        async with world(**STABLE_ONLY) as here:
            call = here.stub.Predict(request(), metadata=[("x-request-id", "mine-1")])
            await call
            assert dict(await call.trailing_metadata())["x-request-id"] == "mine-1"
            assert here.server.metadata["x-request-id"] == "mine-1"
            failed = here.stub.Predict(request(version=9))
            with pytest.raises(grpc.aio.AioRpcError):
                await failed
            assert uuid.UUID(dict(await failed.trailing_metadata())["x-request-id"]).version == 7

            url = f"{here.url}/v1/models/{MODEL}:predict"
            found = []
            for sent in ({"X-Request-Id": "mine-2"}, {"X-Request-Id": "not one"}, {}, {}):
                body = {"instances": [1.0]}
                async with here.session.post(url, json=body, headers=sent) as response:
                    found.append(response.headers["x-request-id"])
            assert found[0] == "mine-2"
            assert len(set(found)) == 4
            assert found[2][:13] <= found[3][:13]  # they begin with the time
            assert all(uuid.UUID(id_).version == 7 for id_ in found[1:])

    asyncio.run(scenario())


def test_deadlines_are_handed_on() -> None:
    async def scenario() -> None:
        async with world(**STABLE_ONLY) as here:
            await here.predict(timeout=5)
            assert 0 < here.server.seconds < 6
            await here.predict()
            assert 6 < here.server.seconds < 31

    asyncio.run(scenario())


def test_errors_of_the_server_come_through() -> None:
    async def scenario() -> None:
        async with world({1: erroring}, Wanted(Targets(1))) as here:
            with pytest.raises(grpc.aio.AioRpcError, match="the model is broken") as refused:
                await here.predict()
            assert refused.value.code() is Code.INTERNAL
            url = f"{here.url}/v1/models/{MODEL}:predict"
            async with here.session.post(url, json={"instances": [1.0]}) as response:
                assert response.status == 500
                assert await response.json() == {"error": "the model is broken"}

    asyncio.run(scenario())


def test_without_a_version_that_serves_there_is_no_answer() -> None:
    async def scenario() -> None:
        async with world(wanted=Wanted(Targets())) as here:
            with pytest.raises(grpc.aio.AioRpcError, match="No version of the model is serving"):
                await here.predict()
            assert here.server.asked == []
            assert (await here.get("/healthz"))[0] == 503

    asyncio.run(scenario())


def test_a_swap_of_versions_fails_no_request() -> None:
    """The server forgets a version before the gateway looks: it looks again, and asks the next."""

    async def scenario() -> None:
        async with world({1: good}, Wanted(Targets(1)), poll_seconds=1000) as here:
            for version in range(2, 52):
                here.wanted.targets = Targets(version)
                asking = [asyncio.create_task(here.predict([0.0])) for _ in range(4)]
                here.server.versions = {version: good}
                answers = await asyncio.gather(*asking)
                assert {number for number, _ in answers} <= {version - 1, version}
                assert all([number] == answer for number, answer in answers)
            assert (await here.post())[0] == 51

    asyncio.run(scenario())


def test_health_tells_whether_requests_can_be_answered() -> None:
    async def scenario() -> None:
        async with world() as here:
            stub = health_pb2_grpc.HealthStub(here.channel)
            for name in ("", MODEL):
                state = await stub.Check(health_pb2.HealthCheckRequest(service=name))
                assert state.status == health_pb2.HealthCheckResponse.SERVING
            assert (await here.get("/healthz"))[0] == 200
            here.server.versions = {}
            await here.gateway.check()
            state = await stub.Check(health_pb2.HealthCheckRequest())
            assert state.status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert (await here.get("/healthz"))[0] == 503

    asyncio.run(scenario())


def test_each_model_has_its_own_versions_canary_and_figures() -> None:
    async def scenario() -> None:
        others = {"other": Wanted(Targets(2, None)), "waiting": Wanted(Targets(None, None))}
        async with world(wanted=Wanted(Targets(1, None)), others=others) as here:
            asked = request([1.0], name="other")
            for _ in range(3):
                assert (await here.stub.Predict(asked)).model_spec.version.value == 2
            assert (await here.predict())[0] == 1
            url = f"{here.url}/v1/models/other:predict"
            async with here.session.post(url, json={"instances": [1.0]}) as response:
                assert response.headers["x-model-version"] == "2"
            count = "evergreen_gateway_requests_total"
            assert await here.metric(count, model="other", version="2") == 4
            assert await here.metric(count, model=MODEL) == 1
            with pytest.raises(grpc.aio.AioRpcError, match="No version of the model is serving"):
                await here.stub.Predict(request([1.0], name="waiting"))

            status, body = await here.get("/healthz")
            assert status == 200  # a use case that was never pushed does not hold up the others
            told = {state["model"]: state["stable"] for state in json.loads(body)["models"]}
            assert told == {MODEL: 1, "other": 2, "waiting": None}
            health = health_pb2_grpc.HealthStub(here.channel)
            answer = await health.Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.SERVING

    asyncio.run(scenario())
