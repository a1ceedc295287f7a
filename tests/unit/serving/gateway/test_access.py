"""Keys, TLS and limits."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import aiohttp
import grpc
import pytest

from evergreen.errors import EvergreenError
from evergreen.serving.gateway.secrets import Keys
from evergreen.serving.protos import PredictionServiceStub
from tests.unit.serving.gateway.backend import MODEL
from tests.unit.serving.gateway.worlds import World, request, world

PATH = f"/v1/models/{MODEL}:predict"
BODY = {"instances": [1.0]}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text("first-key\nsecond-key\n")
    return file


def test_only_who_has_a_key_is_answered(keys: Path) -> None:
    good = [
        {"x-api-key": "first-key"},
        {"authorization": "Bearer second-key"},
        {"authorization": "bearer  first-key"},
    ]
    bad = [
        {},
        {"x-api-key": ""},
        {"x-api-key": "first-ke"},
        {"x-api-key": "first-key second-key"},
        {"authorization": "Basic first-key"},
        {"authorization": "Bearer wrong", "x-api-key": "first-key"},
    ]

    async def scenario() -> None:
        async with world(api_keys=keys) as here:
            for sent in good:
                assert (await here.predict(metadata=list(sent.items())))[1]
                assert (await here.post(headers=sent))[1]["predictions"]
            for sent in bad:
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await here.predict(metadata=list(sent.items()))
                assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
                async with here.session.post(here.url + PATH, json=BODY, headers=sent) as response:
                    assert response.status == 401
                    assert "key" in (await response.json())["error"]
            assert len(here.server.asked) == 2 * len(good)
            assert "authorization" not in here.server.metadata
            assert (await here.get("/metrics"))[0] == 401
            assert (await here.get("/healthz"))[0] == 200
            status, text = await here.get("/metrics", headers={"x-api-key": "first-key"})
            assert status == 200
            assert b'refused_total{reason="key"} 13.0' in text

    asyncio.run(scenario())


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_a_file_without_keys_does_not_let_everybody_in(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content)

    async def scenario() -> None:
        async with world(api_keys=file):
            pass

    with pytest.raises(EvergreenError, match=str(file)) as refused:
        asyncio.run(scenario())
    assert refused.value.hint


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Returns key and certificate."""
    folder.mkdir()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *kind, *files, *name], check=True, capture_output=True)
    return key, certificate


def test_both_apis_speak_tls(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path / "tls")

    async def scenario() -> None:
        async with world(tls={"certificate": certificate, "key": key}) as here:
            context = ssl.create_default_context(cafile=str(certificate))
            url = f"https://127.0.0.1:{here.gateway.rest_port}{PATH}"
            async with here.session.post(url, json=BODY, ssl=context) as response:
                assert response.status == 200
            credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
            address = f"127.0.0.1:{here.gateway.port}"
            async with grpc.aio.secure_channel(address, credentials) as channel:
                assert (await PredictionServiceStub(channel).Predict(request())).outputs
            with pytest.raises(aiohttp.ClientError):
                await here.post()

    asyncio.run(scenario())


def test_bodies_that_are_too_large_are_refused_and_others_not() -> None:
    async def scenario() -> None:
        async with world(max_body_mb=1) as here:
            large = [0.1] * 300_000
            assert len((await here.predict(large[:200_000]))[1]) == 200_000
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await here.predict(large)
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            body = {"instances": large}
            async with here.session.post(here.url + PATH, json=body) as response:
                assert response.status == 413
                assert "error" in await response.json()
            assert len((await here.post(large[:100_000]))[1]["predictions"]) == 100_000
            assert len(here.server.asked) == 2

    asyncio.run(scenario())


def test_keys_and_certificates_are_read_again(keys: Path, tmp_path: Path) -> None:
    """A file that cannot be used leaves what was."""
    first, second = (make_certificate(tmp_path / name) for name in ("first", "second"))
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"

    def put(files: tuple[Path, Path]) -> None:
        key.write_bytes(files[0].read_bytes())
        certificate.write_bytes(files[1].read_bytes())

    async def scenario() -> None:
        put(first)
        async with world(api_keys=keys, tls={"certificate": certificate, "key": key}) as here:
            assert await served(here) == served_by(first)
            put(second)
            keys.write_text("third-key\n")
            await here.gateway.check()
            assert await served(here) == served_by(second)
            assert await status(here, second[1], "first-key") == 401
            assert await status(here, second[1], "third-key") == 200
            key.write_bytes(first[0].read_bytes())  # of another certificate
            keys.write_text("")
            await here.gateway.check()
            assert await served(here) == served_by(second)
            assert await status(here, second[1], "third-key") == 200

    asyncio.run(scenario())


async def served(here: World) -> set[str]:
    """The certificates that both ports show to a new connection."""
    ports = here.gateway.port, here.gateway.rest_port
    return {
        await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port)) for port in ports
    }


def served_by(files: tuple[Path, Path]) -> set[str]:
    return {files[1].read_text()}


async def status(here: World, certificate: Path, key: str) -> int:
    context = ssl.create_default_context(cafile=str(certificate))
    url = f"https://127.0.0.1:{here.gateway.rest_port}{PATH}"
    async with here.session.post(
        url, json=BODY, ssl=context, headers={"x-api-key": key}
    ) as response:
        return response.status


def test_a_secret_that_others_can_read_is_warned_of(
    keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for mode, warnings in ((0o600, 0), (0o640, 1), (0o604, 2)):
        keys.chmod(mode)
        Keys(keys)
        assert caplog.text.count(f"chmod 600 {keys}") == warnings


def test_pages_of_other_sites_may_ask_if_the_settings_say_so(keys: Path) -> None:
    """A preflight cannot send a key. The headers are those of TensorFlow Serving."""
    asking = {
        "origin": "http://a",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,x-api-key",
    }

    async def scenario() -> None:
        async with world(api_keys=keys, cors=True) as here:
            async with here.session.options(here.url + PATH, headers=asking) as answer:
                assert answer.status == 200
                assert answer.headers["access-control-allow-origin"] == "*"
                assert "POST" in answer.headers["access-control-allow-methods"]
                assert answer.headers["access-control-allow-headers"] == "content-type,x-api-key"
            for sent, status in (({"x-api-key": "first-key"}, 200), ({}, 401)):
                async with here.session.post(here.url + PATH, json=BODY, headers=sent) as answer:
                    assert answer.status == status
                    assert answer.headers["access-control-allow-origin"] == "*"
            assert len(here.server.asked) == 1
        async with (
            world(api_keys=keys) as here,
            here.session.options(here.url + PATH, headers=asking) as answer,
        ):
            assert answer.status == 401
            assert "access-control-allow-origin" not in answer.headers

    asyncio.run(scenario())
