"""Text protos that flags name are read, and what is wrong in them is said."""

from pathlib import Path

import pytest

from evergreen.serving.model_server import config
from evergreen.serving.model_server.core.batching_options import BatchingOptions
from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.options import Options


def batching(folder: Path, text: str) -> BatchingOptions | None:
    file = folder / "batching.txt"
    file.write_text(text)
    return config.batching(Options(enable_batching=True, batching_parameters_file=str(file)))


def test_batching_parameters_are_read(tmp_path: Path) -> None:
    text = """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 0 }
        max_enqueued_batches { value: 1000000 }
        num_batch_threads { value: 8 }
        thread_pool_name { value: "mine" }
        allowed_batch_sizes: 32
        allowed_batch_sizes: 128
        pad_variable_length_inputs: true
        enable_large_batch_splitting { value: false }
    """
    assert batching(tmp_path, text) == BatchingOptions(
        max_batch_size=128,
        batch_timeout_micros=0,
        max_enqueued_batches=1000000,
        num_batch_threads=8,
        thread_pool_name="mine",
        allowed_batch_sizes=(32, 128),
        pad_variable_length_inputs=True,
    )


def test_batching_has_defaults_and_can_be_off() -> None:
    assert config.batching(Options(enable_batching=True)) == BatchingOptions()
    assert config.batching(Options()) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size must be positive; was 0"),
        ("batch_timeout_micros { value: -1 }", "must be non-negative"),
        ("allowed_batch_sizes: 4 allowed_batch_sizes: 2", "monotonically increasing"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; "
            "expected 8",
        ),
        ("max_batch_sise { value: 8 }", "Invalid protobuf file: .*batching.txt.*1:1"),
    ],
)
def test_wrong_batching_parameters_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ServingError, match=problem):
        batching(tmp_path, text)


def test_batching_parameters_need_batching() -> None:
    with pytest.raises(ServingError, match=r"without setting server_options\.enable_batching"):
        config.batching(Options(batching_parameters_file="batching.txt"))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true path: "/metrics" }', "/metrics"),
        ('prometheus_config { enable: false path: "/metrics" }', ""),
    ],
)
def test_the_monitoring_config_says_where_metrics_are(tmp_path: Path, text: str, path: str) -> None:
    file = tmp_path / "monitoring.txt"
    file.write_text(text)
    assert config.metrics_path(Options(monitoring_config_file=str(file))) == path


def test_a_single_model_is_named_by_flags() -> None:
    found = config.models(Options(model_name="taxi", model_base_path="/models/taxi"))
    (model,) = found.model_config_list.config
    assert (model.name, model.base_path) == ("taxi", "/models/taxi")


def test_no_model_is_refused() -> None:
    with pytest.raises(ServingError, match="model_config_file are empty!"):
        config.models(Options())


def test_a_missing_config_is_refused() -> None:
    with pytest.raises(ServingError, match=r"^/nowhere\.txt; No such file or directory$"):
        config.models(Options(model_config_file="/nowhere.txt"))
