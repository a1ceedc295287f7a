"""`evergreen orchestrators`: what is installed, and where it runs."""

from evergreen.screen import console, next_step, table
from evergreen.texts import plain


def orchestrators() -> None:
    """Lists the installed orchestrators, and whether they run nodes here or hand runs over.

    Others plug in by the entry point group [bold]evergreen.orchestrators[/bold].

    Example: [bold]evergreen orchestrators[/bold]
    """
    from evergreen.errors import SettingsError
    from evergreen.running.orchestrator import installed, is_remote, load

    shown = table("", "name", "runs", "what", "from", folds=("what", "from"))
    for name, point in installed().items():
        origin = point.dist.name if point.dist else "-"
        try:
            kind = load(name)
            runs = "elsewhere" if is_remote(kind) else "here"
            what = (kind.__doc__ or "").strip().partition("\n")[0]
        except SettingsError as error:
            runs, what = "-", str(error)
        shown.add_row(name, runs, plain(what), origin)
    console().print(shown)
    next_step("evergreen run --orchestrator NAME")
