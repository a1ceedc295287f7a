"""Merged statistics of spans, against TFDV's statistics of all their rows together."""

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from data.taxi import TIMESTAMP_COLUMN
from evergreen.components.data_gate.drifting import measure
from evergreen.components.data_gate.merging import merge
from evergreen.spans import Period
from tests.unit.components.data_gate.gating import statistics_of_table, taxi_schema, trips

Dataset = statistics_pb2.DatasetFeatureStatistics
Feature = statistics_pb2.FeatureNameStatistics
Buckets = list[tuple[float, float, float]]
# Values are not spread evenly within a bucket: coordinates lie on few points.
TOLERANCE = 0.05
