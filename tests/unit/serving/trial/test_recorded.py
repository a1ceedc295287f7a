"""Requests are made only for signatures that clients can ask."""

import pytest
import tensorflow as tf
from google.protobuf import text_format

from evergreen.serving.trial.exported import ExportedSignature, ExportedTensor, UnservableError
from evergreen.serving.trial.recorded import record

FLOAT = ExportedTensor(tf.float32, (None,))
ROW = """
features {
  feature { key: "fare" value { float_list { value: 0.5 } } }
  feature { key: "payment" value { bytes_list { value: "Cash" } } }
}
"""


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"tips": FLOAT}, "inputs tips are no features of a request"),
        ({"fare": FLOAT, "payment": FLOAT}, r"input payment is float32\[\?\], and its values"),
        ({"fare": ExportedTensor(tf.bool, (None,))}, r"input fare is bool\[\?\]"),
    ],
)
def test_a_signature_that_asks_for_what_clients_do_not_have_is_refused(
    spec: dict[str, ExportedTensor], words: str
) -> None:
    rows = [text_format.Parse(ROW, tf.train.Example())]
    features = {"fare", "hour", "payment"}
    with pytest.raises(UnservableError, match=words):
        record(rows, "raw", ExportedSignature(spec, {}), features, (1,))
