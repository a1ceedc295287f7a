"""The metrics of the model, and the criteria for pushing a candidate."""

from google.protobuf import text_format
from tensorflow_model_analysis.proto import config_pb2

from evergreen.components.serving_validator import ServingCriteria
from evergreen.evaluation.criteria import Bound, Criteria, NotWorse, Slicing

CRITERIA = Criteria(
    bounds=(
        # "Paid by card or not" alone reaches AUC 0.930 on the taxi data.
        Bound(metric="auc", at_least=0.93),
        Bound(metric="binary_crossentropy", at_most=0.25),
        # Mean prediction over mean label.
        Bound(metric="calibration", at_least=0.8, at_most=1.25),
    ),
    # Seeds alone move the AUC by 0.002 and the log loss by 0.004 on the 2,900 rows of test.
    not_worse=(
        NotWorse(metric="auc", margin=0.003),
        NotWorse(metric="log_loss", margin=0.005),
        NotWorse(
            metric="log_loss",
            margin=0.01,
            by=(
                Slicing(feature="payment_type"),
                Slicing(feature="pickup_community_area"),
                Slicing(feature="trip_start_hour", edges=(6, 10, 16, 20)),
                Slicing(feature="company", known=True),
            ),
        ),
    ),
)

# The criteria for serving; `may_break=N` declares that clients of version N may break.
SERVING = ServingCriteria()

LABEL = "big_tip"
SPLIT = "test"
# The slices that Evaluator reports on, besides all rows.
SLICES = ("payment_type", "trip_start_hour", "pickup_community_area")

MODEL = f"""
signature_name: "serving_default"
preprocessing_function_names: "transform_features"
label_key: "{LABEL}"
"""

METRICS = """
metrics { class_name: "ExampleCount" }
metrics { class_name: "AUC" config: '"name": "auc", "num_thresholds": 1000' }
metrics { class_name: "BinaryCrossentropy" }
metrics { class_name: "Calibration" }
"""


def eval_config(has_baseline: bool) -> config_pb2.EvalConfig:
    """Returns Evaluator's configuration: metrics of both models, overall and by slice."""
    config = config_pb2.EvalConfig()
    for name in ("candidate", "baseline") if has_baseline else ("candidate",):
        spec = config.model_specs.add(name=name, is_baseline=name == "baseline")
        text_format.Merge(MODEL, spec)
    text_format.Merge(METRICS, config.metrics_specs.add())
    config.slicing_specs.add()
    for feature in SLICES:
        config.slicing_specs.add(feature_keys=[feature])
    return config
