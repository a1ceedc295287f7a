"""Ids of the pipeline's nodes in ML Metadata, which `pipeline/graph.py` assigns."""

from typing import Final

CURATED_SCHEMA: Final = "CuratedSchema"
EXAMPLE_GEN: Final = "ExampleGen"
STATISTICS_GEN: Final = "StatisticsGen"
SCHEMA_GEN: Final = "SchemaGen"
EXAMPLE_VALIDATOR: Final = "ExampleValidator"
DATA_GATE: Final = "DataGate"
TRANSFORM: Final = "Transform"
TRAINER: Final = "Trainer"
EVALUATOR: Final = "Evaluator"
MODEL_GATE: Final = "ModelGate"
SERVING_VALIDATOR: Final = "ServingValidator"
PUSHER: Final = "Pusher"

GATES: Final = (DATA_GATE, MODEL_GATE, SERVING_VALIDATOR)
"""The gates, in the order of a run."""
