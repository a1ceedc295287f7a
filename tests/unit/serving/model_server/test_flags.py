"""The command line is that of `tensorflow_model_server`."""

import logging
import re
import subprocess
import sys

import pytest

from evergreen.serving.model_server.flags import IGNORED, FlagError, parse
from evergreen.serving.model_server.options import Options


def test_the_defaults_are_tensorflow_servings() -> None:
    options = parse([])
    assert (options.port, options.rest_api_port, options.model_name) == (8500, 0, "default")
    assert options.rest_api_timeout_in_ms == 30000
    assert (options.max_num_load_retries, options.load_retry_interval_micros) == (5, 60_000_000)
    assert options.host == "127.0.0.1"


def test_values_follow_a_flag_or_an_equals_sign() -> None:
    both = [
        parse(["--port=9000", "--model_name=taxi", "--rest_api_port=9001"]),
        parse(["--port", "9000", "--model_name", "taxi", "--rest_api_port", "9001"]),
    ]
    assert both[0] == both[1] == Options(port=9000, model_name="taxi", rest_api_port=9001)


@pytest.mark.parametrize("flag", ["--enable_batching", "--enable_batching=true"])
def test_a_boolean_needs_no_value(flag: str) -> None:
    assert parse([flag, "--port=1"]) == Options(enable_batching=True, port=1)


def test_a_boolean_can_be_turned_off() -> None:
    assert not parse(["--enable_model_warmup=false"]).enable_model_warmup


def test_flags_that_make_no_sense_here_are_accepted_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        options = parse(["--per_process_gpu_memory_fraction=0.5", "--use_tflite_model"])
    assert options == Options()
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [
        "--per_process_gpu_memory_fraction has no effect: there is no GPU",
        "--use_tflite_model has no effect: TensorFlow Lite models are not served",
    ]


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--version"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert re.match(r"TensorFlow ModelServer: \S+ \S+\s+TensorFlow Library: 2\.", said)


def test_no_flag_is_both_used_and_ignored() -> None:
    assert not IGNORED.keys() & vars(Options()).keys()


def test_an_unknown_flag_is_refused_with_the_usage() -> None:
    with pytest.raises(FlagError, match=r"unknown argument: --prot=1\nusage: tensorflow_model_"):
        parse(["--prot=1"])


@pytest.mark.parametrize("flag", ["--port=many", "--enable_batching=perhaps", "--model_name"])
def test_a_wrong_value_is_refused(flag: str) -> None:
    with pytest.raises(FlagError, match=flag.partition("=")[0]):
        parse([flag])


def test_the_command_imports_no_tensorflow() -> None:
    code = (
        "import sys, evergreen.commands.serve, evergreen.serving.model_server.flags;"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
