"""`evergreen gateway`: runs the gateway between clients and a model server."""

from typing import TYPE_CHECKING

from evergreen.commands.project import Project, project_options

if TYPE_CHECKING:
    from evergreen.lineage.registry import Registry
    from evergreen.settings import Settings


@project_options
def gateway(project: Project) -> None:
    """Forwards requests to a model server, with canary, A/B, shadow traffic and prediction log.

    It speaks TensorFlow Serving's API: gRPC on port 8510, REST on port 8511. A canary that is worse
    than the serving version is rejected; one that holds is promoted. It is for the models of all
    use cases, or of the one that is named: each has its own canary and log.

    Example: [bold]evergreen gateway --set 'gateway.canary.steps=[10,50]'[/bold]
    """
    import logging
    import sys
    from functools import partial

    # The first is the one that the details of /healthz begin with.
    members = sorted(
        (member.settings for member in project.apart("serving.base_path", "gateway.log.folder")),
        key=lambda settings: settings.use_case != project.settings.use_case,
    )

    from evergreen.serving.exposing import Exposer
    from evergreen.serving.gateway.server import Registered, run

    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    models = [
        Registered(
            settings.model.name,
            settings.gateway,
            partial(open_registry, settings),
            partial(Exposer, settings),
        )
        for settings in members
    ]
    run(project.settings.gateway, models)


def open_registry(settings: "Settings") -> "Registry":
    """Opens the registry of a project."""
    from evergreen.lineage.registry import Registry
    from evergreen.lineage.store import open_store

    return Registry.of(settings, open_store(settings.metadata))
