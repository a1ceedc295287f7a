"""The typed settings. Every section is frozen and refuses unknown keys."""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from evergreen.beam_options import available_cores, has_workers
from evergreen.compression import Compression
from evergreen.settings.base import DottedPath, Name, ProjectPath, Section, misplaced
from evergreen.settings.dashboard import DashboardSettings
from evergreen.settings.exposure import ExposureSettings
from evergreen.settings.gates import GateSettings
from evergreen.settings.gateway import GATEWAY, CanarySettings, GatewaySettings
from evergreen.settings.kubeflow import KubeflowSettings
from evergreen.settings.metadata import MetadataSettings
from evergreen.settings.monitoring import MonitoringSettings
from evergreen.settings.registry import PromotionSettings, RegistrySettings
from evergreen.settings.replay import ReplaySettings
from evergreen.settings.retention import RetentionSettings
from evergreen.settings.task import Task
from evergreen.settings.triggers import TriggerSettings
from evergreen.settings.use_cases import DEFAULT, NAME
from evergreen.spans import Format, Period

LEAST_CLASSES = 2
"""The fewest classes of a multiclass model."""


class PipelineSettings(Section):
    """The pipeline, and the folder of its artifacts."""

    name: Name
    factory: DottedPath = Field(description="The function that builds the pipeline from a plan.")
    root: ProjectPath = Field(description="Artifacts of all runs.")
    orchestrator: Name = Field(description="An installed orchestrator: `evergreen orchestrators`.")
    cache: bool = Field(description="Whether a node may reuse the outputs of an equal execution.")
    at_once: Annotated[int, Field(ge=1)] | None = Field(
        description="The most independent nodes that the local orchestrator runs at the "
        "same time; if null, as many as there are cores."
    )
    definition: list[ProjectPath] = Field(
        description="The code that wires the pipeline; its imports count, too."
    )
    use_case: list[ProjectPath] = Field(
        description="Code that Transform and Trainer run, with its data files; what it imports "
        "counts, too."
    )
    lock: ProjectPath = Field(description="The hashed lock of all installed packages.")

    @property
    def nodes_at_once(self) -> int:
        """The number of nodes that may run at the same time."""
        return self.at_once or available_cores()


class DataSettings(Section):
    """The source of the examples."""

    source: DottedPath = Field(description="The function that cuts the source into spans.")
    period: Period = Field(description="The calendar period of a span: year, quarter or month.")
    format: Format = Field(description="The format of spans: parquet or csv.")
    spans: ProjectPath = Field(description="The root of the spans, with one folder per period.")
    table_schema: ProjectPath = Field(alias="schema", description="The curated schema.")
    key: str = Field(description="The column with the stable key of a row; decides its split.")
    timestamp: str | None = Field(
        None, description="The column with the time of a row, in seconds since 1970; null: none."
    )
    splits: dict[Name, Annotated[int, Field(gt=0)]] = Field(
        description="Relative sizes of the splits, in hash buckets."
    )

    missing: tuple[str, ...] = Field(
        default=(),
        description="Text that stands for a missing value, besides the empty field: to the letter, "
        "and in every column, such as NA, NULL or -.",
    )
    compression: Compression = Field(
        description="Compression of ingested examples: none, or gzip, smaller but slower to write."
    )
    rejected_share: Annotated[float, Field(ge=0, le=1)] = Field(
        description="The share of a span's rows with values that do not fit their columns, beyond "
        "which the data gate refuses the span. Such rows are written aside, and never trained on."
    )

    @field_validator("splits")
    @classmethod
    def _has_the_splits_that_nodes_read(cls, splits: dict[str, int]) -> dict[str, int]:
        if missing := {"train", "eval", "test"} - set(splits):
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        return splits

    @property
    def span_root(self) -> Path:
        """The folder of the spans of the chosen period."""
        return self.spans / self.period.value


class ModelSettings(Section):
    """The use case: its functions, its trainer and its hyperparameters."""

    name: Name
    preprocessing_fn: DottedPath
    run_fn: DottedPath
    task: Task = Field(Task.BINARY, description="What the model answers.")
    classes: tuple[str, ...] = Field(
        (), description="Of a multiclass model: their names, in the order of its answer."
    )
    label: str = Field(
        min_length=1, description="The output of `transform_features` with the label."
    )
    hyperparameters: dict[str, Any] = Field(description="Passed to the trainer unchanged.")

    @model_validator(mode="after")
    def _has_the_classes_of_its_task(self) -> Self:
        named = len(set(self.classes))
        if named < len(self.classes):
            raise ValueError("classes names a class twice")
        if self.task is Task.MULTICLASS and named < LEAST_CLASSES:
            raise ValueError(f"task is multiclass, and classes has {named} names: name them all")
        if self.task is not Task.MULTICLASS and named:
            raise ValueError(f"task is {self.task}, and classes are those of multiclass")
        return self


class BeamSettings(Section):
    """The computation of nodes that use Beam."""

    args: list[str] = Field(
        description="Beam pipeline options of every Beam-based node. Without a runner among them "
        "each node chooses by the size of its data and the cores there are."
    )

    @property
    def workers(self) -> list[str]:
        """The options, if they name a runner outside the node's process."""
        return self.args if has_workers(self.args) else []


class ServingSettings(Section):
    """The folder of pushed models, and the servers that serve them."""

    base_path: ProjectPath = Field(description="The folder for pushed versions, `<base>/<n>`.")
    exposure: ExposureSettings = Field(
        description="How servers learn what to serve: reload, config_map, kserve or hand."
    )
    model_server: ProjectPath | None = Field(
        description="A tensorflow_model_server, with which models are validated before they are "
        "pushed. If null, the one found on PATH, or else the embedded one."
    )


class ReportSettings(Section):
    """The folder of the runs' HTML reports."""

    folder: ProjectPath


class LogSettings(Section):
    """The folder of the libraries' logs."""

    folder: ProjectPath


class Settings(Section):
    """All settings of a project, for one use case."""

    use_case: Annotated[str, Field(pattern=NAME)] = Field(
        description="The use case: `models/NAME/`, `data/NAME/` and `configs/NAME.yaml`; the "
        f"option --use-case names another. {DEFAULT}, if it is nowhere named."
    )
    root: ProjectPath = Field(
        description="The folder of everything that is written; single folders may be elsewhere."
    )
    pipeline: PipelineSettings
    data: DataSettings
    model: ModelSettings
    gates: GateSettings
    metadata: MetadataSettings
    registry: RegistrySettings
    beam: BeamSettings
    serving: ServingSettings
    gateway: GatewaySettings
    replay: ReplaySettings
    monitoring: MonitoringSettings
    reports: ReportSettings
    logs: LogSettings
    kubeflow: KubeflowSettings
    triggers: TriggerSettings
    dashboard: DashboardSettings
    retention: RetentionSettings = RetentionSettings()

    @field_validator("gates")
    @classmethod
    def _fit_the_task(cls, gates: GateSettings, info: ValidationInfo) -> GateSettings:
        model = info.data.get("model")
        if model and (faults := list(gates.model.faults(model.task, model.classes))):
            raise misplaced([(f"model.{place}", name, why) for place, name, why in faults])
        return gates

    @field_validator("gateway")
    @classmethod
    def _promotes_what_it_may(
        cls, gateway: GatewaySettings, info: ValidationInfo
    ) -> GatewaySettings:
        if gateway.canary.promote and "registry" in info.data:
            _check_promotion(gateway.canary, info.data["registry"].promotion)
        return gateway

    @field_validator("monitoring")
    @classmethod
    def _monitors_metrics_of_the_task(
        cls, monitoring: MonitoringSettings, info: ValidationInfo
    ) -> MonitoringSettings:
        faults = []
        if model := info.data.get("model"):
            for at, rule in enumerate(monitoring.performance.rules(model.task)):
                try:
                    rule.better(model.task, model.classes)
                except ValueError as error:
                    faults.append((f"performance.metrics.{at}.metric", rule.metric, str(error)))
        if faults:
            raise misplaced(faults)
        return monitoring

    @property
    def data_series(self) -> str:
        """The name of this pipeline's and period's series of spans."""
        return f"{self.pipeline.name}/{self.data.period.value}"


def _check_promotion(canary: CanarySettings, policy: PromotionSettings) -> None:
    """Refuses a gateway that would promote canaries against the promotion policy."""
    if policy.by and GATEWAY not in policy.by:
        raise ValueError(
            f"canary.promote is true, but registry.promotion.by does not name {GATEWAY!r}; name "
            "it, or set canary.promote to false"
        )
    held = len(canary.steps) * canary.hold_seconds
    if held < policy.hold_seconds:
        raise ValueError(
            f"{len(canary.steps)} canary.steps of canary.hold_seconds are {held:g} s, less than "
            f"registry.promotion.hold_seconds; hold each for "
            f"{policy.hold_seconds / len(canary.steps):g} s, or set canary.promote to false"
        )
