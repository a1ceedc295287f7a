"""The settings of the dashboard."""

from pydantic import Field

from evergreen.settings.base import ProjectPath, Section


class DashboardSettings(Section):
    """The dashboard's address, and the token for actions: docs/dashboard.md."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8520, ge=0, le=65535, description="0: any free port.")
    names: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names that browsers may use; others are refused, since another site's "
        "name may lead here.",
    )
    token_file: ProjectPath | None = Field(
        None,
        description="The token file: its bearer may promote, roll back, fire and resume; "
        "null: nobody may, unless `--actions` makes a token for as long as the dashboard runs.",
    )
    session_hours: float = Field(
        8.0, gt=0, le=720, description="Hours until a person must sign in again with the token."
    )
    poll_seconds: float = Field(1.0, gt=0, description="How often pages follow a run under way.")
