"""`evergreen orchestrators`: what is installed, and where it runs."""

import typer


def orchestrators() -> None:
    """Lists the installed orchestrators, and whether they run nodes here or hand runs over.

    Others plug in by the entry point group [bold]evergreen.orchestrators[/bold].

    Example: [bold]evergreen orchestrators[/bold]
    """
    from rich.console import Console
    from rich.table import Table

    from evergreen.errors import SettingsError
    from evergreen.running.orchestrator import installed, is_remote, load

    table = Table("name", "runs", "what", "from")
    for name, point in installed().items():
        origin = point.dist.name if point.dist else "-"
        try:
            kind = load(name)
            runs = "elsewhere" if is_remote(kind) else "here"
            what = (kind.__doc__ or "").strip().partition("\n")[0]
        except SettingsError as error:
            runs, what = "-", str(error)
        table.add_row(name, runs, what, origin)
    Console().print(table)
    typer.echo("next: evergreen run --orchestrator NAME")
