"""The table of commands, which are imported on first use."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from evergreen.commands.options import check_files

PANELS = {
    "Run": {"run": "run:run", "resume": "resume:resume", "stop": "stop:stop"},
    "Look": {
        "runs": "runs:runs",
        "show": "show:show",
        "compare": "compare:compare",
        "lineage": "lineage:lineage",
        "report": "report:report",
        "dashboard": "dashboard:dashboard",
    },
    "Registry": {
        "models": "models:app",
        "promote": "registry:promote",
        "rollback": "registry:rollback",
        "archive": "registry:archive",
        "reset-baseline": "registry:reset_baseline",
        "expose": "registry:expose",
    },
    "Serve": {
        "serve": "serve:serve",
        "gateway": "gateway:gateway",
        "predict": "predict:predict",
        "loadtest": "loadtest:loadtest",
    },
    "Watch": {
        "watch": "watch:watch",
        "triggers": "triggers:app",
        "monitor": "monitor:app",
        "replay": "replay:replay",
    },
    "Project": {
        "new": "new:new",
        "check": "check:check",
        "data": "data:app",
        "config": "config:app",
        "orchestrators": "orchestrators:orchestrators",
        "doctor": "retention:doctor",
        "gc": "retention:gc",
    },
}
"""Module and function, or group, of each command, by the heading in the help."""
HANDS_ON = {"serve": {"allow_extra_args": True, "ignore_unknown_options": True}}
"""Commands that pass unknown flags on to another program."""


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = Lazy()

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names in the order of the table, without importing any."""
        return list(self.commands)


class Lazy(Mapping[str, Any]):
    """Click's commands by name, each created on first use."""

    def __init__(self) -> None:
        self._places = {
            name: (panel, place) for panel, row in PANELS.items() for name, place in row.items()
        }
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            panel, place = self._places[name]
            self._made[name] = _make(name, panel, place)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _make(name: str, panel: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(f"evergreen.commands.{module}"), attribute)
    shelf = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
    shelf.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        shelf.add_typer(found, name=name, rich_help_panel=panel)
    else:
        settings = HANDS_ON.get(name)
        shelf.command(name, rich_help_panel=panel, context_settings=settings)(found)
    made = typer.main.get_group(shelf).commands[name]
    check_files(made)
    return made
