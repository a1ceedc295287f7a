"""Reads a schema (TensorFlow Metadata's, as text), and reports errors with their line."""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from evergreen.errors import SettingsError

KINDS = {schema_pb2.FLOAT: "FLOAT", schema_pb2.INT: "INT", schema_pb2.BYTES: "BYTES"}
COMPARATORS = ("drift_comparator", "skew_comparator")
OTHERS = ("sparse_feature", "weighted_feature", "tensor_representation_group")
SERVING = "SERVING"
"""The environment of requests."""


def load_schema(file: Path) -> schema_pb2.Schema:
    """Reads a schema.

    Args:
        file: The file, or the folder of a Schema artifact.

    Raises:
        SettingsError: If the file cannot be read, or is not a schema; names the line.
    """
    file = file / "schema.pbtxt" if file.is_dir() else file
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file}: the schema cannot be read: {error}",
            hint="Correct data.schema, or make a first one: evergreen data schema FILE.csv",
        ) from error
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        line, said = error.GetLine(), re.sub(r"^\d+:\d+ ?: *", "", str(error))
        where = f"{file.name}, line {line}" if line else file.name
        raise SettingsError(
            f"{where}: {said}", hint=f"Correct {file}. What stands in a schema: docs/data.md"
        ) from error


def load_curated(file: Path) -> schema_pb2.Schema:
    """Reads the schema that people maintain, and refuses what nodes would silently ignore.

    Raises:
        SettingsError: If it cannot be read, is not a schema, or has conditions that are not
            checked: types other than FLOAT, INT and BYTES, lists of values, thresholds that nothing
            exceeds. Names the line of the feature.
    """
    schema = load_schema(file)
    lines = file.read_text(encoding="utf-8").splitlines()
    for name, problem in _problems(schema):
        line = _line(lines, name)
        where = f"{file.name}, line {line}" if line else file.name
        feature = f"feature {name}: " if name else ""
        raise SettingsError(f"{where}: {feature}{problem}.", hint=f"Correct {file}.")
    return schema


def column_kinds(schema: schema_pb2.Schema) -> dict[str, str]:
    """Returns the type of each column: `FLOAT`, `INT` or `BYTES`."""
    return {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature}


def in_requests(
    schema: schema_pb2.Schema, names: Collection[str] | None = None
) -> list[schema_pb2.Feature]:
    """Returns the features with these names; without names, those in the environment `SERVING`."""
    return [
        feature
        for feature in schema.feature
        if (SERVING not in feature.not_in_environment if names is None else feature.name in names)
    ]


def _problems(schema: schema_pb2.Schema) -> Iterator[tuple[str, str]]:
    if not schema.feature:
        yield "", "there is no feature in it"
    for field in OTHERS:
        if len(getattr(schema, field)):
            yield "", f"{field} is not supported: write a feature for each column"
    for name, count in Counter(feature.name for feature in schema.feature).items():
        if not name:
            yield name, "a feature has no name"
        if count > 1:
            yield name, "stands in it twice"
    domains = {domain.name for domain in schema.string_domain}
    for feature in schema.feature:
        for problem in _of_feature(feature, domains):
            yield feature.name, problem


def _of_feature(feature: schema_pb2.Feature, domains: set[str]) -> Iterator[str]:
    if feature.type not in KINDS:
        name = schema_pb2.FeatureType.Name(feature.type)
        yield f"the type {name} is not supported: say FLOAT, INT or BYTES"
    if feature.HasField("value_count") and feature.value_count.max > 1:
        yield f"value_count up to {feature.value_count.max}: a row has one value a column"
    if feature.HasField("value_counts") or feature.HasField("shape"):
        yield "value_counts and shape are not supported: a row has one value a column"
    if feature.HasField("domain") and feature.domain not in domains:
        yield f"there is no string_domain {feature.domain!r}"
    if feature.presence.min_fraction > 1:
        yield f"presence: min_fraction is {feature.presence.min_fraction:g}, and at most 1"
    for field in ("int_domain", "float_domain"):
        limits = getattr(feature, field)
        if limits.HasField("min") and limits.HasField("max") and limits.min > limits.max:
            yield f"{field}: min {limits.min:g} is above max {limits.max:g}, so nothing fits"
    for field in COMPARATORS:
        for problem in _of_comparator(feature, getattr(feature, field)):
            yield f"{field}: {problem}"


def _of_comparator(
    feature: schema_pb2.Feature, comparator: schema_pb2.FeatureComparator
) -> Iterator[str]:
    text = feature.type == schema_pb2.BYTES
    for field in ("infinity_norm", "normalized_abs_difference"):
        if comparator.HasField(field) and not text:
            yield (
                f"{field} is of text: of numbers it is 0 and never too large; "
                "say jensen_shannon_divergence"
            )
    for field in ("infinity_norm", "jensen_shannon_divergence"):
        threshold = getattr(comparator, field).threshold
        if threshold >= 1:
            yield f"{field} is at most 1 and never beyond {threshold:g}; say less"


def _line(lines: list[str], name: str) -> int:
    """Returns the line of the last feature of that name; 0 if it is not found."""
    pattern = re.compile(rf"""\bname\s*:\s*["']{re.escape(name)}["']""")
    return max((at for at, line in enumerate(lines, 1) if name and pattern.search(line)), default=0)
