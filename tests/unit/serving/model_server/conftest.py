"""One server for all tests that only ask it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.serving.model_server import saved
from tests.unit.serving.model_server.running import Server, server

MODELS = """
model_config_list {{
  config {{
    name: "half" base_path: "{0}/half" model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: 1 versions: 2 }} }}
    version_labels {{ key: "stable" value: 1 }}
  }}
  config {{ name: "texts" base_path: "{0}/texts" model_platform: "tensorflow" }}
  config {{ name: "tf1" base_path: "{0}/tf1" model_platform: "tensorflow" }}
  config {{ name: "mixed" base_path: "{0}/mixed" model_platform: "tensorflow" }}
  config {{ name: "halves" base_path: "{0}/halves" model_platform: "tensorflow" }}
  config {{ name: "half_plus_two" base_path: "{0}/half_plus_two" model_platform: "tensorflow" }}
  config {{
    name: "names" base_path: "{0}/names" model_platform: "tensorflow"
    model_version_policy {{ all {{}} }}
  }}
  config {{ name: "gate" base_path: "{0}/gate" model_platform: "tensorflow" }}
}}
"""


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of several models; `folder` has their versions."""
    folder = tmp_path_factory.mktemp("served")
    for version in (1, 2):
        saved.add_warmup(saved.save_half_plus(folder / "half", version), [1.0])
    saved.save_texts(folder / "texts")
    saved.save_tf1(folder / "tf1")
    saved.save_mixed(folder / "mixed")
    saved.save_halves(folder / "halves")
    saved.save_names(folder / "names")
    saved.save_half_plus_two(folder / "half_plus_two")
    saved.save_gate(folder / "gate")
    (folder / "models.txt").write_text(MODELS.format(folder))
    with server(*flags(folder), log=folder / "server.log") as running:
        yield running


def flags(folder: Path) -> list[str]:
    return [
        f"--model_config_file={folder}/models.txt",
        "--allow_version_labels_for_unavailable_models",
        "--grpc_channel_arguments=grpc.max_receive_message_length=1000000",
        f"--grpc_socket_path={folder}/grpc.sock",
        "--max_num_load_retries=0",
    ]
