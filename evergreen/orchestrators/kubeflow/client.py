"""Deploys, runs, lists and deletes the pipeline on Kubeflow. Schedules are in `schedules`."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import kfp_server_api as kfp

from evergreen.orchestrators.kubeflow.api import Api, KubeflowError
from evergreen.planning.identity import take_digests
from evergreen.runs.digests import digest_values
from evergreen.settings import Settings

ACTIVE = ("PENDING", "RUNNING", "CANCELING", "PAUSED", "RUNTIME_STATE_UNSPECIFIED", None)


@dataclass(frozen=True)
class Pod:
    """A started container of a run.

    Attributes:
        task: The name of its task.
        name: The name of the pod.
    """

    task: str
    name: str


def code_version(settings: Settings) -> str:
    """Returns the version of the code and of the compiling settings: `0.1.0-3f2a…`."""
    digests = take_digests(settings)
    digest = digest_values(**digests.model_dump(), kubeflow=settings.kubeflow.model_dump())
    return f"{version('evergreen')}-{digest[:10]}"


class Client:
    """The pipeline of one project on Kubeflow.

    Attributes:
        api: The API.
        name: The name of the pipeline, and of its runs' experiment.
    """

    def __init__(self, settings: Settings) -> None:
        self.api = Api(settings.kubeflow)
        self.name = settings.pipeline.name
        self._account = settings.kubeflow.service_account
        self._namespace = self.api.namespace()

    def deploy(self, text: str, name: str) -> bool:
        """Uploads a compiled pipeline as a version; the first upload creates the pipeline.

        Args:
            text: The compiled pipeline.
            name: The version's name.

        Returns:
            Whether it was uploaded; False if the version exists.
        """
        pipeline = self._pipeline()
        if pipeline and self._version(pipeline.pipeline_id, name):
            return False
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{self.name}.yaml")
            file.write_text(text)
            if pipeline is None:
                pipeline = self._create_pipeline()
            self.api.call(
                self.api.uploads.upload_pipeline_version,
                str(file),
                name=name,
                pipelineid=pipeline.pipeline_id,
            )
        return True

    def reference(self, name: str) -> kfp.V2beta1PipelineVersionReference:
        """Returns the reference of a deployed version.

        Raises:
            KubeflowError: If it is not deployed.
        """
        pipeline = self._pipeline()
        found = self._version(pipeline.pipeline_id, name) if pipeline else None
        if pipeline is None or found is None:
            raise KubeflowError(
                f"version {name} of pipeline {self.name} is not deployed.",
                hint="Deploy it: python kubeflow_runner.py deploy",
            )
        return kfp.V2beta1PipelineVersionReference(
            pipeline_id=pipeline.pipeline_id, pipeline_version_id=found.pipeline_version_id
        )

    def run(self, name: str, parameters: Mapping[str, Any]) -> str:
        """Starts a run of a deployed version; returns Kubeflow's id for it."""
        body = kfp.V2beta1Run(
            experiment_id=self.experiment(),
            display_name=f"{self.name} {name}",
            pipeline_version_reference=self.reference(name),
            runtime_config=kfp.V2beta1RuntimeConfig(parameters=dict(parameters)),
            service_account=self._account,
        )
        return str(self.api.call(self.api.runs.run_service_create_run, body).run_id)

    def get(self, run_id: str) -> kfp.V2beta1Run:
        """Returns a run."""
        return self.api.call(self.api.runs.run_service_get_run, run_id)

    def runs(self, since: datetime | None = None) -> Iterator[kfp.V2beta1Run]:
        """Yields the runs of the pipeline, newest first.

        Args:
            since: The earliest creation time.
        """
        newer = {"filter": _not_before("created_at", since)} if since else {}
        return self.api.all(
            self.api.runs.run_service_list_runs,
            "runs",
            experiment_id=self.experiment(),
            sort_by="created_at desc",
            **newer,
        )

    def pods(self, run_id: str) -> list[Pod]:
        """Returns the containers of a run, in order of their start."""
        run = self.get(run_id)
        tasks = (run.run_details and run.run_details.task_details) or []
        tasks = sorted(tasks, key=lambda task: (str(task.start_time or ""), task.task_id or ""))
        return [
            Pod(task.display_name or task.task_id, child.pod_name)
            for task in tasks
            for child in task.child_tasks or []
            if child.pod_name
        ]

    def log(self, run_id: str, pod: Pod) -> str:
        """Returns the log of a container."""
        return self.api.log(run_id, pod.name)

    def delete_run(self, run_id: str) -> None:
        """Deletes a run from Kubeflow; its metadata in ML Metadata stays.

        Raises:
            KubeflowError: If it does not exist, or is running.
        """
        run = self.get(run_id)
        if run.state in ACTIVE:
            raise KubeflowError(
                f"run {run_id} is {(run.state or 'PENDING').lower()}.",
                hint="Wait until it has ended, or terminate it on Kubeflow's page.",
            )
        self.api.call(self.api.runs.run_service_delete_run, run_id)

    def terminate(self, run_id: str) -> None:
        """Ends a running run."""
        self.api.call(self.api.runs.run_service_terminate_run, run_id)

    def delete_version(self, name: str) -> None:
        """Deletes a deployed version."""
        found = self.reference(name)
        self.api.call(
            self.api.pipelines.pipeline_service_delete_pipeline_version,
            found.pipeline_id,
            found.pipeline_version_id,
        )

    def experiment(self) -> str:
        """Returns the id of the experiment, creating it on first use."""
        listed = self.api.all(
            self.api.experiments.experiment_service_list_experiments,
            "experiments",
            namespace=self._namespace,
            filter=_equals("display_name", self.name),
        )
        for found in listed:
            return str(found.experiment_id)
        body = kfp.V2beta1Experiment(display_name=self.name, namespace=self._namespace or None)
        made = self.api.call(self.api.experiments.experiment_service_create_experiment, body)
        return str(made.experiment_id)

    def _create_pipeline(self) -> kfp.V2beta1Pipeline:
        body = kfp.V2beta1Pipeline(display_name=self.name, namespace=self._namespace or None)
        return self.api.call(self.api.pipelines.pipeline_service_create_pipeline, body)

    def _pipeline(self) -> kfp.V2beta1Pipeline | None:
        listed = self.api.all(
            self.api.pipelines.pipeline_service_list_pipelines,
            "pipelines",
            namespace=self._namespace,
            filter=_equals("display_name", self.name),
        )
        return next(listed, None)

    def _version(self, pipeline_id: str, name: str) -> kfp.V2beta1PipelineVersion | None:
        listed = self.api.all(
            self.api.pipelines.pipeline_service_list_pipeline_versions,
            "pipeline_versions",
            pipeline_id,
            filter=_equals("display_name", name),
        )
        return next(listed, None)


def _equals(key: str, value: str) -> str:
    """Returns a filter for the API's lists."""
    return _filter(operation="EQUALS", key=key, stringValue=value)


def _not_before(key: str, time: datetime) -> str:
    text = f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return _filter(operation="GREATER_THAN_EQUALS", key=key, timestampValue=text)


def _filter(**predicate: str) -> str:
    return json.dumps({"predicates": [predicate]})
