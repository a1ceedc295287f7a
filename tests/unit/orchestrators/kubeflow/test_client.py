"""The commands that talk to Kubeflow, against its OpenAPI models: no Kubeflow runs here."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from evergreen.commands.kubeflow import app
from evergreen.errors import EvergreenError
from evergreen.orchestrators.kubeflow.api import ENDPOINT, TOKEN, KubeflowError
from evergreen.orchestrators.kubeflow.client import Client, code_version
from evergreen.settings import Settings, load_settings
from tests.unit.orchestrators.kubeflow.api_server import Kubeflow, serving

ROOT = Path(__file__).parents[4]
Command = Callable[..., Result]


@pytest.fixture
def kubeflow() -> Kubeflow:
    return Kubeflow()


@pytest.fixture
def settings(kubeflow: Kubeflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with serving(kubeflow) as endpoint:
        monkeypatch.setenv(ENDPOINT, endpoint)
        yield load_settings(ROOT, ["kubeflow"])


@pytest.fixture
def deployed(settings: Settings) -> str:
    """The pipeline is deployed; returns the name of its version."""
    name = code_version(settings)
    assert Client(settings).deploy("compiled: pipeline", name)
    return name


@pytest.fixture
def command(settings: Settings) -> Command:
    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, [*words, "--project", str(ROOT)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def test_a_version_is_uploaded_once(kubeflow: Kubeflow, settings: Settings, deployed: str) -> None:
    assert not Client(settings).deploy("compiled: pipeline", deployed)
    assert [pipeline["display_name"] for pipeline in kubeflow.pipelines] == ["taxi"]
    [version] = kubeflow.versions
    assert version["display_name"] == deployed
    assert "compiled: pipeline" in version["body"]


def test_another_version_of_the_code_is_another_version(settings: Settings, deployed: str) -> None:
    changed = settings.model_copy(
        update={"kubeflow": settings.kubeflow.model_copy(update={"parallelism": 1})}
    )
    assert code_version(changed) != deployed
    assert Client(changed).deploy("compiled: again", code_version(changed))


def test_a_run_is_of_the_deployed_version_with_its_parameters(
    kubeflow: Kubeflow, command: Command, deployed: str
) -> None:
    shown = command("run", "--spans", "1-3", "--param", "max_epochs=3", "--experiment").output
    [run] = kubeflow.runs
    assert run["run_id"] in shown
    parameters = run["runtime_config"]["parameters"]
    assert parameters["spans"] == "1-3"
    assert parameters["hyperparameters"] == {"max_epochs": 3}
    assert parameters["experiment"] is True
    assert run["service_account"] == "evergreen"
    assert run["pipeline_version_reference"]["pipeline_version_id"] == "version-1"


def test_what_is_not_deployed_is_not_run(command: Command) -> None:
    with pytest.raises(KubeflowError, match="is not deployed") as refused:
        command("run")
    assert "kubeflow_runner.py deploy" in refused.value.hint


def test_a_schedule_takes_the_place_of_the_old_one_whose_run_goes_on(
    kubeflow: Kubeflow, command: Command, deployed: str
) -> None:
    command("schedule", "0 3 * * *")
    [old] = kubeflow.schedules
    assert old["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert (old["no_catchup"], old["max_concurrency"]) == (True, "1")
    assert old["runtime_config"]["parameters"]["requested_by"] == "schedule"
    run = {"run_id": "r", "state": "RUNNING", "recurring_run_id": old["recurring_run_id"]}
    kubeflow.runs.append(run)

    shown = command("schedule", "0 4 * * *").output
    assert f"{old['recurring_run_id']} goes on" in shown
    assert [schedule["status"] for schedule in kubeflow.schedules] == ["ENABLED", "DISABLED"]

    run["state"] = "SUCCEEDED"
    command("schedule", "off")
    assert kubeflow.schedules == []


def test_the_old_schedule_stays_on_if_the_new_one_is_refused(
    kubeflow: Kubeflow, command: Command, deployed: str
) -> None:
    command("schedule", "0 3 * * *")
    kubeflow.failing["POST /recurringruns"] = (400, {"code": 3, "message": "bad cron"})
    with pytest.raises(KubeflowError, match=r"400 .*: bad cron"):
        command("schedule", "nonsense")
    assert [schedule["status"] for schedule in kubeflow.schedules] == ["ENABLED"]


def test_status_and_logs_tell_of_tasks_and_containers(
    kubeflow: Kubeflow, command: Command, deployed: str
) -> None:
    command("run")
    [run] = kubeflow.runs
    run["run_details"] = {
        "task_details": [
            {"task_id": "2", "display_name": "trainer", "state": "FAILED",
             "start_time": "2026-01-02T00:00:00Z", "child_tasks": [{"pod_name": "pod-2"}]},
            {"task_id": "1", "display_name": "plan", "state": "SUCCEEDED",
             "start_time": "2026-01-01T00:00:00Z", "child_tasks": [{"pod_name": "pod-1"}]},
        ]
    }  # fmt: skip
    shown = command("status", run["run_id"][:12]).output
    assert shown.index("plan") < shown.index("trainer")
    assert "failed" in shown
    assert "log of pod-2" in command("logs", run["run_id"], "--task", "trainer").output
    assert run["run_id"] in command("status").output


def test_eighty_columns_never_cut_an_id(
    kubeflow: Kubeflow, command: Command, deployed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    command("run")
    [run] = kubeflow.runs
    run["run_id"] = "3f0c2a61-8d5e-4b7c-9a3e-5d1f7b0c4e29"
    run["display_name"] = "the-quarterly-retraining-of-all-the-cities " * 3
    run["state"] = "PENDING_FOR_A_VERY_LONG_TIME"
    run["run_details"] = {
        "task_details": [
            {"task_id": "1", "display_name": "a-very-long-name-" * 5, "state": "RUNNING",
             "start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-02T00:00:00Z"},
        ]
    }  # fmt: skip
    command("schedule", "0 3 * * *")
    kubeflow.schedules[0]["recurring_run_id"] = "b1d94c07-2e6f-4a58-8c13-6f0e9a7d2b45"
    listed, shown = command("status").output, command("status", "3f0c2a61").output
    assert run["run_id"] in listed
    assert kubeflow.schedules[0]["recurring_run_id"] in listed
    table = [line for line in listed.splitlines() if not line.startswith("next:")]
    assert all(len(line) <= 80 for line in table), listed
    assert run["run_id"] in shown.splitlines()[-1]


def test_a_run_that_goes_on_is_not_deleted(
    kubeflow: Kubeflow, command: Command, deployed: str
) -> None:
    command("run")
    [run] = kubeflow.runs
    with pytest.raises(KubeflowError, match="is pending"):
        command("delete", "--run", run["run_id"])
    run["state"] = "FAILED"
    command("delete", "--run", run["run_id"])
    command("delete", "--version", deployed)
    assert (kubeflow.runs, kubeflow.versions) == ([], [])


def test_a_shared_kubeflow_is_told_the_namespace(
    kubeflow: Kubeflow, command: Command, deployed: str
) -> None:
    kubeflow.multi_user = True
    command("run")
    assert kubeflow.experiments[0]["namespace"] == "kubeflow"


def test_the_token_comes_from_a_file_or_the_environment(
    kubeflow: Kubeflow, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeflow.token = "secret"
    with pytest.raises(KubeflowError, match="401") as refused:
        command("status")
    assert TOKEN in refused.value.hint
    monkeypatch.setenv(TOKEN, "secret")
    command("status")
    monkeypatch.delenv(TOKEN)
    file = tmp_path / "token"
    file.write_text("secret\n")
    command("status", "--set", f"kubeflow.token_file={file}")


@pytest.mark.usefixtures("settings")
def test_a_token_that_is_changed_is_read_again(kubeflow: Kubeflow, tmp_path: Path) -> None:
    kubeflow.token, file = "old", tmp_path / "token"
    file.write_text("old")
    client = Client(load_settings(ROOT, ["local"], [f"kubeflow.token_file={file}"]))
    kubeflow.token = "new"
    with pytest.raises(KubeflowError, match="401"):
        list(client.runs())
    file.write_text("new")
    assert list(client.runs()) == []
    file.unlink()
    with pytest.raises(KubeflowError, match="token_file"):
        list(client.runs())


@pytest.mark.parametrize("token", ["two\nlines", "t\u00f6ken", "a\x00b"])
def test_what_is_no_token_is_refused(
    token: str, settings: Settings, tmp_path: Path, kubeflow: Kubeflow
) -> None:
    file = tmp_path / "token"
    file.write_text(token)
    with pytest.raises(KubeflowError, match="characters that no token has") as refused:
        Client(load_settings(ROOT, ["local"], [f"kubeflow.token_file={file}"]))
    assert token not in str(refused.value)
    assert str(file) in refused.value.hint
    assert not kubeflow.asked


def test_a_page_to_sign_in_is_no_answer(kubeflow: Kubeflow, settings: Settings) -> None:
    client = Client(settings)
    kubeflow.failing["GET /experiments"] = 200, "<html>Sign in</html>"
    with pytest.raises(KubeflowError, match="something else than Kubeflow") as refused:
        list(client.runs())
    assert "sign in" in refused.value.hint


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:8888"])
def test_an_endpoint_that_is_none_is_refused(
    endpoint: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, endpoint)
    with pytest.raises(KubeflowError, match="no API of Kubeflow") as refused:
        command("status")
    assert "port-forward" in refused.value.hint


def test_an_api_that_does_not_answer_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    with pytest.raises(KubeflowError, match=r"http://127\.0\.0\.1:1 does not answer"):
        command("status")


def test_a_bad_parameter_is_refused(command: Command) -> None:
    with pytest.raises(EvergreenError, match="--param max_epochs"):
        command("run", "--param", "max_epochs")


def test_deploy_uploads_what_compile_writes(kubeflow: Kubeflow, command: Command) -> None:
    assert "deployed version" in command("deploy").output
    golden = (ROOT / "tests/golden/kubeflow.yaml").read_text()
    assert golden in kubeflow.versions[0]["body"]
    assert "is there already" in command("deploy").output
