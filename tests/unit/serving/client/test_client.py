"""The client against a server, by both protocols."""

import math
import socket
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from evergreen.errors import DataError, EvergreenError
from evergreen.serving.client import Client
from evergreen.serving.client.failures import ServerError
from tests.unit.serving.backend import KEY, MODEL, VERSION, Backend, probability

ROWS = [
    {"fare": 12.25, "hour": 9, "payment": "Cash"},
    {"fare": 7, "hour": None, "payment": "Cré\x00dit"},
    {"fare": math.nan, "hour": 23},
]
MEANT = [(12.25, 9, b"Cash"), (7.0, -1, "Cré\x00dit".encode()), (math.nan, 23, b"")]
EXPECTED = np.array([probability(*row) for row in MEANT], np.float32)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("signature", ["serving_default", "raw"])
def test_rows_of_raw_columns_are_predicted(client: Client, signature: str) -> None:
    answer = client.predict(ROWS, signature)
    assert answer.keys() == {"probabilities"}
    assert answer["probabilities"].dtype == np.float32
    np.testing.assert_array_equal(answer["probabilities"], EXPECTED)


def test_a_table_is_predicted_as_its_rows_are(client: Client) -> None:
    table = pa.table({"fare": [12.25, 7.0], "hour": [9, None], "payment": ["Cash", "Cré\x00dit"]})
    np.testing.assert_array_equal(client.predict(table)["probabilities"], EXPECTED[:2])


def test_several_outputs_of_other_types_and_shapes_come_by_name(client: Client) -> None:
    answer = client.predict(ROWS, "explain")
    assert list(answer) == ["paid_by", "pair", "probabilities"]
    assert answer["paid_by"].tolist() == [payment for _, _, payment in MEANT]
    np.testing.assert_array_equal(answer["pair"], np.stack([EXPECTED, 1 - EXPECTED], axis=1))


def test_what_is_missing_goes_out_by_the_convention_of_the_signature(
    backend: Backend, client: Client
) -> None:
    client.predict(ROWS, "raw")
    [sent] = backend.asked
    assert np.isnan(sent["fare"]).tolist() == [False, False, True]
    assert sent["hour"].tolist() == [9, -1, 23]
    assert sent["payment"].tolist() == [payment for _, _, payment in MEANT]


def test_text_is_read_as_the_model_takes_it(client: Client) -> None:
    rows = [{"fare": "12.25", "hour": "9", "payment": "Cash"}]
    np.testing.assert_array_equal(client.predict(rows)["probabilities"], EXPECTED[:1])


@pytest.mark.parametrize("hour", ["9.0", " +9", "09", "9e0", 9.0, np.int8(9), Decimal("9.00")])
def test_a_whole_number_is_one_in_any_form(client: Client, hour: object) -> None:
    for signature in ("serving_default", "raw"):
        answer = client.predict([ROWS[0] | {"hour": hour}], signature)
        np.testing.assert_array_equal(answer["probabilities"], EXPECTED[:1])


def test_other_columns_are_left_out(client: Client) -> None:
    rows = [row | {"trip_id": "x", "tips": [1, "y"]} for row in ROWS]
    for signature in ("serving_default", "raw"):
        np.testing.assert_array_equal(client.predict(rows, signature)["probabilities"], EXPECTED)


@pytest.mark.parametrize("signature", ["serving_default", "raw"])
def test_a_column_of_a_wrong_name_is_named_with_the_one_that_is_meant(
    client: Client, signature: str
) -> None:
    with pytest.raises(DataError, match=f"{signature} takes columns .* not have: fare") as raised:
        client.predict([{"fares": 1.0, "hour": 2, "payment": "Cash"}], signature)
    assert "rename 'fares' to 'fare'" in raised.value.hint


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"fare": "much"}, "column fare, row 2: 'much' is not a number"),
        ({"fare": "1_0"}, "column fare, row 2: '1_0' is not a number"),
        ({"fare": 1e39}, "column fare, row 2: 1e[+]39 is beyond what a float of 32 bits holds"),
        ({"hour": 2.5}, "column hour, row 2: 2.5 is not a whole number"),
        ({"hour": "٣"}, "column hour, row 2: '٣' is not a whole number"),
        ({"hour": "0x5"}, "column hour, row 2: '0x5' is not a whole number"),
        ({"hour": 1e40}, "column hour, row 2: 1e[+]40 is beyond the whole numbers of 64 bits"),
    ],
)
def test_a_value_of_a_wrong_type_is_named_with_its_row(
    client: Client, row: dict[str, object], message: str
) -> None:
    for signature in ("serving_default", "raw"):
        with pytest.raises(DataError, match=message):
            client.predict([ROWS[0], ROWS[0] | row], signature)


def test_no_rows_are_an_error(client: Client) -> None:
    with pytest.raises(DataError, match="no rows"):
        client.predict([])


def test_an_unknown_signature_is_named_with_those_there_are(client: Client) -> None:
    with pytest.raises(EvergreenError, match="no signature 'rew'; did you mean 'raw'") as raised:
        client.predict(ROWS, "rew")
    assert "explain, raw, serving_default" in raised.value.hint


def test_a_version_and_a_label_can_be_asked_for(client: Client) -> None:
    for which in ({"version": VERSION}, {"label": "serving"}):
        np.testing.assert_array_equal(client.predict(ROWS, **which)["probabilities"], EXPECTED)
    with pytest.raises(ServerError, match=r"not found for request: Specific\(taxi, 7\)"):
        client.predict(ROWS, version=7)
    with pytest.raises(ServerError, match="Unrecognized servable version label: canary"):
        client.predict(ROWS, label="canary")


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_an_unknown_model_says_where_to_look(backend: Backend, protocol: str) -> None:
    with (
        Client(getattr(backend, protocol), protocol, model="tax") as client,
        pytest.raises(ServerError, match=r"NOT_FOUND.*Latest\(tax\)") as raised,
    ):
        client.predict(ROWS)
    assert "evergreen models" in raised.value.hint


def test_a_server_that_is_unavailable_is_asked_again(backend: Backend, client: Client) -> None:
    backend.failures = 3
    np.testing.assert_array_equal(client.predict(ROWS)["probabilities"], EXPECTED)
    backend.failures = 1000
    with pytest.raises(ServerError, match="UNAVAILABLE: not now"):
        client.predict(ROWS)
    assert backend.failures == 1000 - 5


def test_nothing_else_is_asked_twice(backend: Backend, client: Client) -> None:
    with pytest.raises(ServerError, match="INVALID_ARGUMENT"):
        client.predict(ROWS, label="canary")
    assert backend.calls == 1


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_a_server_that_is_too_slow_is_not_waited_for(backend: Backend, protocol: str) -> None:
    backend.seconds = 60
    target = getattr(backend, protocol)
    with (
        Client(target, protocol, model=MODEL, timeout=0.2) as client,
        pytest.raises(ServerError, match="DEADLINE_EXCEEDED"),
    ):
        client.predict(ROWS)


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_no_server_is_said_in_words(protocol: str) -> None:
    with (
        Client(f"127.0.0.1:{free_port()}", protocol, model=MODEL) as client,
        pytest.raises(ServerError, match=r"127\.0\.0\.1.*refused") as raised,
    ):
        client.predict(ROWS)
    assert "evergreen serve" in raised.value.hint


def test_a_server_of_the_other_protocol_is_an_error(backend: Backend) -> None:
    for target, protocol in ((backend.grpc, "rest"), (backend.rest, "grpc")):
        with (
            Client(target, protocol, model=MODEL, timeout=5) as client,
            pytest.raises(ServerError) as raised,
        ):
            client.predict(ROWS)
        assert "gRPC has port 8500 and REST 8501" in raised.value.hint


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_the_api_key_is_sent(backend: Backend, protocol: str) -> None:
    backend.needs_key = True
    target = getattr(backend, protocol)
    with Client(target, protocol, model=MODEL, api_key=KEY) as client:
        np.testing.assert_array_equal(client.predict(ROWS)["probabilities"], EXPECTED)
    with (
        Client(target, protocol, model=MODEL) as client,
        pytest.raises(ServerError, match="UNAUTHENTICATED") as raised,
    ):
        client.predict(ROWS)
    assert "API key" in raised.value.hint


@pytest.mark.parametrize("target", ["nowhere", "ftp://host:1", "127.0.0.1", "http://a:1/v1"])
def test_what_is_no_address_is_refused(target: str) -> None:
    with pytest.raises(EvergreenError, match="is not the address of a server"):
        Client(target, model=MODEL)


def test_a_url_names_the_protocol(backend: Backend) -> None:
    for target in (f"http://{backend.rest}", f"grpc://{backend.grpc}/"):
        with Client(target, model=MODEL) as client:
            np.testing.assert_array_equal(client.predict(ROWS)["probabilities"], EXPECTED)


LIGHT = """
import sys
from decimal import Decimal
from evergreen.serving.client import Client

assert "tensorflow" not in sys.modules
Client("127.0.0.1:1", model="m").close()
import tensorflow as tf
from tensorflow.core.example.example_pb2 import Example
from evergreen.serving.protos import Example as ours

assert ours is Example is tf.train.Example
parsed = tf.io.parse_example([ours().SerializeToString()], {"x": tf.io.VarLenFeature(tf.float32)})
assert tf.make_ndarray(tf.make_tensor_proto([1.0, 2.0])).tolist() == [1.0, 2.0]
"""


def test_the_client_needs_no_tensorflow_and_does_not_break_it() -> None:
    ran = subprocess.run([sys.executable, "-c", LIGHT], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
