"""`python -m tests.unit.serving.gateway.process SETTINGS STORE` runs a gateway as users do."""

import logging
import sys
from functools import partial
from pathlib import Path

from evergreen.lineage.registry import Registry
from evergreen.serving.gateway.server import Registered, run
from evergreen.settings.gateway import GatewaySettings
from tests.unit.lineage.making import make_store
from tests.unit.serving.gateway.backend import MODEL


def registry(store: Path) -> Registry:
    return Registry(make_store(store), MODEL)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    settings = GatewaySettings.model_validate_json(sys.argv[1])
    run(settings, [Registered(MODEL, settings, partial(registry, Path(sys.argv[2])))])
