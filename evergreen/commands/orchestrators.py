"""`evergreen orchestrators`: what is installed."""

import typer


def orchestrators() -> None:
    """Lists the installed orchestrators.

    Others plug in by the entry point group [bold]evergreen.orchestrators[/bold].

    Example: [bold]evergreen orchestrators[/bold]
    """
    from rich.console import Console
    from rich.table import Table

    from evergreen.running.orchestrator import installed

    table = Table("name", "class", "from")
    for name, point in installed().items():
        origin = point.dist.name if point.dist else "-"
        table.add_row(name, point.value, origin)
    Console().print(table)
    typer.echo("next: evergreen run --orchestrator NAME")
