"""`evergreen dashboard`: serves the dashboard."""

from typing import Annotated

import typer

from evergreen.commands.project import Project, project_options
from evergreen.screen import next_step


@project_options
def dashboard(
    project: Project,
    actions: Annotated[
        bool, typer.Option("--actions", help="Allow actions, with a token that is printed.")
    ] = False,
) -> None:
    """Shows serving, runs, monitoring and triggers in a browser, of all use cases or the named one.

    It is read-only. With --actions, or dashboard.token_file, those who know the token may promote,
    roll back, fire and resume.

    Example: [bold]evergreen dashboard --set dashboard.port=8530[/bold]
    """
    import logging
    import secrets
    import sys

    chosen, members = project.settings.dashboard, project.members

    from evergreen.dashboard.actions import Place
    from evergreen.dashboard.security import read_token
    from evergreen.dashboard.server import UseCase, run

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    token = read_token(chosen.token_file) if chosen.token_file else ""
    if actions and not token:
        token = secrets.token_urlsafe(24)
        typer.echo(f"token: {token}")

    def started(port: int) -> None:
        host = f"[{chosen.host}]" if ":" in chosen.host else chosen.host
        next_step(f"open http://{host}:{port}{'/sign-in' if token else ''}")

    first = project.settings.use_case
    shown = sorted(members, key=lambda member: member.settings.use_case != first)
    run(
        [UseCase(member.settings, Place(tuple(member.options))) for member in shown], token, started
    )
