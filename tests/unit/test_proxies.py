"""A proxy leads out into the world, and never to this machine."""

import socket

import pytest

from evergreen.proxies import is_own, proxy_of

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    assert proxy_of("https://hooks.example/x") == ""
    monkeypatch.setenv(variable, PROXY)
    assert proxy_of("https://hooks.example/x") == PROXY
    assert bool(proxy_of("http://hooks.example/x")) == ("all" in variable.lower())


@pytest.mark.parametrize(
    ("exempt", "is_exempt"),
    [
        ("*", True),
        ("hooks.example", True),
        (".example", True),
        ("other.example, hooks.example", True),
        ("hooks.example:8443", True),
        ("hooks.example:443", False),
        ("oks.example", False),
        ("", False),
    ],
)
def test_what_is_exempt_is_asked_itself(
    monkeypatch: pytest.MonkeyPatch, exempt: str, is_exempt: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", exempt)
    assert (proxy_of("https://hooks.example:8443/x") == "") == is_exempt


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.8.9.1", "[::1]", "0.0.0.0", "[::]",
     "[::ffff:127.0.0.1]", socket.gethostname()],
)  # fmt: skip
def test_this_machine_is_asked_itself(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    assert proxy_of(f"http://{host}:8501/x") == ""


@pytest.mark.parametrize("host", ["hooks.example", "192.0.2.7", "2001:db8::7", "localhost.example"])
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not is_own(host)
