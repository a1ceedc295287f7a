"""The wanted versions follow from the folder and the policy."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from evergreen.serving.model_server.core.errors import ServingError
from evergreen.serving.model_server.core.versions import aspired


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name in ("1", "2", "003", "10", "draft", ".staging-11-x", "-4", str(2**63)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    (tmp_path / "12").mkdir()  # a copy that has just begun
    (tmp_path / "12/variables").mkdir()
    (tmp_path / "13").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("", [10]),
        ("latest {}", [10]),
        ("latest { num_versions: 2 }", [3, 10]),
        ("all {}", [1, 2, 3, 10]),
        ("specific { versions: 1 versions: 10 versions: 12 }", [1, 10]),
    ],
)
def test_the_policy_chooses_among_complete_versions(
    base: Path, policy: str, versions: list[int]
) -> None:
    config = ModelConfig(name="taxi", base_path=str(base))
    text_format.Parse(policy, config.model_version_policy)
    found = aspired(config)
    assert sorted(found) == versions
    assert all((Path(path) / "saved_model.pb").is_file() for path in found.values())


def test_a_base_path_that_is_gone_says_nothing_about_versions() -> None:
    with pytest.raises(ServingError, match="Could not find base path /gone for servable taxi"):
        aspired(ModelConfig(name="taxi", base_path="/gone"))
