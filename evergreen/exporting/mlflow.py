"""Exports the registry to MLflow: one version there for each registered version here.

Each version has an MLflow run with parameters, metrics and the SavedModel, which MLflow loads by
alias:

    mlflow.tensorflow.load_model("models:/taxi@serving").signatures["serving_default"]

Earlier exports are recognized by their tags, so an export may be repeated, and continued after an
interruption. MLflow numbers versions itself: the tag `evergreen.version` has our number.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ml_metadata.metadata_store import MetadataStore

from evergreen.errors import EvergreenError
from evergreen.exporting.facts import TRAIN_KEY, VERSION, Facts, facts
from evergreen.files import has_model
from evergreen.lineage.reader import Lineage
from evergreen.lineage.records import RunRecords
from evergreen.lineage.stages import Stage
from evergreen.lineage.views import VersionView
from evergreen.runs.plan import Frozen
from evergreen.settings import Settings

if TYPE_CHECKING:
    from mlflow.entities import Metric, Param, Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

ALIASES: Mapping[Stage, str] = {
    stage: stage.value for stage in (Stage.SERVING, Stage.CANARY, Stage.CANDIDATE)
}
"""The alias of the newest version in a stage."""
MODEL, SAVED = "model", "saved_model"
PAGE = 1000
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # the default of 7 takes minutes
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Environment variables for MLflow's client (3.17), unless the user has set them."""


class Exported(Frozen):
    """The result for one version.

    Attributes:
        version: Its number here.
        there: Its number in MLflow; None if it was left out.
        outcome: `created`, `updated`, `unchanged`, or why it was left out.
        aliases: The aliases that lead to it.
    """

    version: int
    there: str | None
    outcome: str
    aliases: tuple[str, ...] = ()


def export(
    settings: Settings, store: MetadataStore, uri: str, aliases: Mapping[Stage, str] = ALIASES
) -> list[Exported]:
    """Makes MLflow's registry agree with ours.

    Args:
        settings: The project's settings.
        store: The metadata store.
        uri: The MLflow server, without secrets: MLflow's client takes these from the environment
            (`MLFLOW_TRACKING_TOKEN`, `MLFLOW_TRACKING_USERNAME`, ...).
        aliases: The alias of the newest version in each stage.

    Raises:
        EvergreenError: If MLflow's client is not installed, or MLflow refuses; or, before anything
            is changed, if a version or an alias there was not exported by this registry.
    """
    lineage = Lineage(store, settings.model.name)
    versions = [version for version in lineage.versions() if version.events]
    with _client(uri) as client:
        target = _Target(client, settings.model.name, settings.serving.base_path)
        told = [_facts(store, lineage, version) for version in versions]
        target.check_ours(told, aliases)
        done = [target.put(*pair) for pair in zip(versions, told, strict=True)]
        leads = target.point(
            versions, {version.version: version.there for version in done}, aliases
        )
    return [
        version.model_copy(update={"aliases": tuple(leads.get(version.there or "", ()))})
        for version in done
    ]


class _Target:
    """One model in MLflow."""

    def __init__(self, client: "MlflowClient", name: str, base_path: Path) -> None:
        self._client, self._name, self._base_path = client, name, base_path
        self._experiment = self._find_experiment(f"evergreen/{name}")
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name, description="Exported by Evergreen.")
        self._there = {
            version.tags[VERSION]: version
            for version in self._versions()
            if VERSION in version.tags
        }

    def check_ours(self, told: Sequence[Facts], aliases: Mapping[Stage, str]) -> None:
        """Checks that everything to be changed was exported from this registry."""
        for version in told:
            there = self._there.get(str(version.version))
            if there and there.tags.get(TRAIN_KEY) != version.tags[TRAIN_KEY]:
                raise EvergreenError(
                    f"MLflow's version {there.version} of {self._name} is our version "
                    f"{version.version} of another training: another project, or an earlier "
                    "metadata store, has exported it. Nothing was changed.",
                    hint="Export under another model.name, or delete what is there in MLflow.",
                )
        ours = {str(version.version) for version in self._there.values()}
        now = self._client.get_registered_model(self._name).aliases
        for alias in aliases.values():
            if alias in now and str(now[alias]) not in ours:
                raise EvergreenError(
                    f"the alias {alias} of {self._name} in MLflow leads to its version "
                    f"{now[alias]}, which was not exported from here. Nothing was changed.",
                    hint=f"Choose another alias (--alias), or delete {alias} in MLflow.",
                )

    def put(self, version: VersionView, told: Facts) -> Exported:
        """Creates a version in MLflow, or updates its tags."""
        there = self._there.get(str(version.version))
        if there is not None:
            return Exported(
                version=version.version, there=str(there.version), outcome=self._tag(there, told)
            )
        saved = version.folder(self._base_path)
        if not has_model(saved):
            why = f"left out: its files are not at {saved}"
            return Exported(version=version.version, there=None, outcome=why)
        run = self._put_run(told, saved)
        made = self._client.create_model_version(
            self._name,
            f"{run.info.artifact_uri}/{MODEL}",
            run.info.run_id,
            dict(told.tags),
            description=told.text,
        )
        return Exported(version=version.version, there=str(made.version), outcome="created")

    def point(
        self,
        versions: Sequence[VersionView],
        there: Mapping[int, str | None],
        aliases: Mapping[Stage, str],
    ) -> dict[str, list[str]]:
        """Points each alias to the newest version in its stage, or nowhere.

        Returns the aliases by MLflow's version. Other aliases are left alone.
        """
        now = self._client.get_registered_model(self._name).aliases
        newest = {version.stage: there[version.version] for version in versions}
        found: dict[str, list[str]] = {}
        for stage, alias in aliases.items():
            wanted = newest.get(stage)
            if wanted is None:
                if alias in now:
                    self._client.delete_registered_model_alias(self._name, alias)
                continue
            if str(now.get(alias)) != wanted:
                self._client.set_registered_model_alias(self._name, alias, wanted)
            found.setdefault(wanted, []).append(alias)
        return found

    def _tag(self, there: "ModelVersion", told: Facts) -> str:
        changed = {name: text for name, text in told.tags.items() if there.tags.get(name) != text}
        for name, text in changed.items():
            self._client.set_model_version_tag(self._name, str(there.version), name, text)
        return "updated" if changed else "unchanged"

    def _put_run(self, told: Facts, saved: Path) -> "Run":
        """Creates the run of a version; reuses one from an interrupted export."""
        run = self._find_run(told) or self._client.create_run(
            self._experiment, _millis(told.began), dict(told.tags), f"version {told.version}"
        )
        run_id = run.info.run_id
        self._client.log_batch(run_id, _metrics(told), params=_params(told))
        self._client.log_artifacts(run_id, str(saved), f"{MODEL}/{SAVED}")
        self._client.log_text(run_id, _description(run_id), f"{MODEL}/MLmodel")
        self._client.set_terminated(run_id, end_time=_millis(told.ended or told.began))
        return run

    def _find_run(self, told: Facts) -> "Run | None":
        query = (
            f"tags.`{VERSION}` = '{told.version}' AND tags.`{TRAIN_KEY}` = '{told.tags[TRAIN_KEY]}'"
        )
        found = self._client.search_runs([self._experiment], query, max_results=1)
        return found[0] if found else None

    def _find_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

    def _versions(self) -> Iterator["ModelVersion"]:
        token: str | None = ""
        while token is not None:
            page = self._client.search_model_versions(
                f"name = '{self._name}'", max_results=PAGE, page_token=token or None
            )
            yield from page
            token = page.token or None


@contextmanager
def _client(uri: str) -> Iterator["MlflowClient"]:
    """Yields MLflow's client, and turns its exceptions into errors."""
    shown = _without_secrets(uri)
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise EvergreenError(
            f"MLflow's client is not installed: {error}",
            hint="Install it: pip install 'evergreen[mlflow]'",
        ) from error
    try:
        yield MlflowClient(uri, uri)
    except (MlflowException, ImportError, OSError) as error:
        raise EvergreenError(
            f"the export to {shown} has stopped: {str(error).replace(uri, shown)}",
            hint="When the cause is gone, run the same again: it goes on where it was.",
        ) from error


def _without_secrets(uri: str) -> str:
    """Returns the address without user name and password."""
    netloc = urlsplit(uri).netloc
    return uri.replace(netloc, netloc.rpartition("@")[2]) if netloc else uri


def _facts(store: MetadataStore, lineage: Lineage, version: VersionView) -> Facts:
    records = RunRecords(store)
    record = records.find(lineage.run_of(version))
    settings = records.settings(record) if record and record.settings else {}
    return facts(version, record, settings.get("model", {}))


def _millis(when: datetime) -> int:
    return round(when.timestamp() * 1000)


def _name(text: str) -> str:
    """Returns a name that MLflow accepts for a metric or a parameter."""
    return re.sub(r"[^\w\-. /]", "_", text, flags=re.ASCII)[:250]


def _metrics(told: Facts) -> "list[Metric]":
    from mlflow.entities import Metric

    when = _millis(told.ended or told.began)
    return [Metric(_name(name), value, when, 0) for name, value in told.metrics.items()]


def _params(told: Facts) -> "list[Param]":
    from mlflow.entities import Param

    return [Param(_name(name), text) for name, text in told.params.items()]


def _description(run_id: str) -> str:
    """Returns the description that MLflow needs to load the SavedModel."""
    from mlflow.models import Model

    model = Model(artifact_path=MODEL, run_id=run_id)
    return str(
        model.add_flavor(
            "tensorflow", saved_model_dir=SAVED, model_type="tf2-module", code=None
        ).to_yaml()
    )
