import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from evergreen.tabular.serving import raw_signature
from evergreen.tabular.transformer import Transformer
from models.taxi.features import TRIPS

from .conftest import SCHEMA, SPEC, serialize, write_raw_metadata

NAN, INF = float("nan"), float("inf")

RAW_SIGNATURE = raw_signature(TRIPS, SPEC)
RAW_NAMES = TRIPS.raw_names


def every(number, integer, text):
    values = {tf.float32: number, tf.int64: integer, tf.string: text}
    return {name: values[given.dtype] for name, given in RAW_SIGNATURE.items()}


STRANGE = {
    "nothing": every(None, None, None),
    "zeros": every(0.0, 0, ""),
    "huge": every(3e38, 2**63 - 1, "x" * 10_000),
    "negative": every(-3e38, -(2**63), "\x00"),
    "infinite": every(INF, 99, "\n"),
    "negative infinity": every(-INF, -1, " "),
    "nan": every(NAN, 24, "Crédit"),
}


def raw_inputs(rows):
    """Columns for the signature `raw`, missing values as it has them."""
    gaps = {tf.float32: NAN, tf.int64: -1, tf.string: ""}
    return {
        name: tf.constant([gaps[s.dtype] if r[name] is None else r[name] for r in rows], s.dtype)
        for name, s in RAW_SIGNATURE.items()
    }


def predict(exported, rows):
    """Asks both signatures; they have to agree."""
    examples = tf.constant([serialize(row) for row in rows], tf.string)
    answers = exported.signatures["serving_default"](examples=examples)
    same = exported.signatures["raw"](**raw_inputs(rows))
    assert list(answers) == list(same) == ["probabilities"]
    np.testing.assert_array_equal(answers["probabilities"], same["probabilities"])
    return answers["probabilities"].numpy()


def request_rows(trips, count):
    frame = trips.split("test")[list(RAW_NAMES)].head(count)
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def test_signatures_have_the_names_types_and_shapes_that_clients_rely_on(exported):
    signatures = exported.signatures
    assert set(signatures) == {"serving_default", "raw", "transform_features"}
    inputs = signatures["serving_default"].structured_input_signature[1]
    assert inputs == {"examples": tf.TensorSpec([None], tf.string, "examples")}
    assert signatures["raw"].structured_input_signature[1] == RAW_SIGNATURE
    for name in ("serving_default", "raw"):
        probabilities = signatures[name].structured_outputs["probabilities"]
        assert (probabilities.dtype, probabilities.shape.as_list()) == (tf.float32, [None])


def test_both_signatures_answer_real_requests_alike(exported, trips):
    rows = request_rows(trips, 500)
    probabilities = predict(exported, rows)
    card = np.array([row["payment_type"] == "Credit Card" for row in rows])
    assert probabilities.shape == (500,)
    assert probabilities[card].mean() > 0.5
    assert probabilities[~card].mean() < 0.05


@pytest.mark.parametrize("name", STRANGE)
def test_strange_rows_get_a_probability(exported, name):
    (probability,) = predict(exported, [STRANGE[name]])
    assert 0.0 <= probability <= 1.0


def test_no_rows_get_no_probabilities(exported):
    assert predict(exported, []).shape == (0,)


def test_strange_neighbours_change_no_answer(exported, trips):
    rows = request_rows(trips, 3)
    alone = predict(exported, rows)
    among = predict(exported, [*STRANGE.values(), *rows])
    np.testing.assert_allclose(among[-3:], alone, rtol=1e-5)
    assert np.isfinite(among).all()


def test_transform_features_gives_what_training_saw(exported, splits, trips):
    examples = tf.constant(list(trips.split("eval").example))
    served = exported.signatures["transform_features"](examples=examples)
    labels = served.pop("big_tip").numpy()
    assert (labels == trips.split("eval").label).all()
    assert set(served) == set(splits["eval"].features)
    # Beam does not keep the order of rows, so they are compared sorted.
    names = sorted(served)
    here = np.stack([*(served[name].numpy() for name in names), labels])
    rows = splits["eval"]
    there = np.stack([*(rows.features[name] for name in names), rows.labels[:, 0]])
    here, there = (table[:, np.lexsort(table)] for table in (here, there))
    np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("row", [*STRANGE.values(), {"tips": INF, "fare": NAN}])
def test_transform_features_is_finite_and_takes_rows_without_tips(exported, row):
    columns = exported.signatures["transform_features"](tf.constant([serialize(row)]))
    label = columns.pop("big_tip").numpy()
    assert all(np.isfinite(column).all() for column in columns.values())
    assert np.isnan(label).all()


def test_a_schema_with_fixed_shapes_is_refused_by_name(tmp_path):
    schema = type(SCHEMA)()
    schema.CopyFrom(SCHEMA)
    next(f for f in schema.feature if f.name == "fare").shape.SetInParent()
    write_raw_metadata(schema, tmp_path)
    with pytest.raises(ValueError, match="features fare have a fixed shape; remove `shape`"):
        Transformer(tft.TFTransformOutput(str(tmp_path)))


def test_the_model_loads_in_a_process_that_has_only_tensorflow(exported, fn_args, trips, tmp_path):
    rows = request_rows(trips, 3)
    (tmp_path / "rows.bin").write_bytes(
        tf.io.serialize_tensor(tf.constant([serialize(row) for row in rows])).numpy()
    )
    code = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
rows = tf.io.parse_tensor(open("rows.bin", "rb").read(), tf.string)
answer = model.signatures["serving_default"](examples=rows)["probabilities"].numpy().tolist()
print(json.dumps([answer, sorted({"tensorflow_transform", "models"} & set(sys.modules))]))
"""
    command = [sys.executable, "-c", code, fn_args.serving_model_dir]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    answer, imported = json.loads(done.stdout.splitlines()[-1])
    assert imported == []
    np.testing.assert_allclose(answer, predict(exported, rows), rtol=1e-6)
