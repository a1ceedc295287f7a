"""The settings of the dashboard."""

from pydantic import Field

from evergreen.settings.base import ProjectPath, Section


class DashboardSettings(Section):
    """Where the dashboard listens, and who may do something there: docs/dashboard.md."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8520, ge=0, le=65535, description="0: any that is free.")
    names: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Names that browsers may ask for it by; others are refused, as they may be "
        "another site's that leads here.",
    )
    token_file: ProjectPath | None = Field(
        None,
        description="Holds the token that lets its bearer promote, roll back, fire and resume; "
        "null: nobody may, unless `--actions` makes a token for as long as the dashboard runs.",
    )
    session_hours: float = Field(
        8.0, gt=0, le=720, description="How long somebody stays signed in; then the token again."
    )
    poll_seconds: float = Field(1.0, gt=0, description="How often a run under way is looked at.")
