"""The imports of each entry point before it does anything."""

STOCK = "from tfx import v1"
"""As TFX's own container entry point and every tutorial do."""

CONTAINER = "a container, until its first node"
RUN = "evergreen run, until its first node"
PLAN = "evergreen run, until it has planned"

NODES = """
import evergreen.running.compilation
import evergreen.orchestrators.node
import pipeline.graph
"""

PROGRAMS = {
    STOCK: "from tfx import v1",
    CONTAINER: f"import evergreen.orchestrators.kubeflow.entry\n{NODES}",
    RUN: f"import evergreen.cli\nimport evergreen.running.run\n{NODES}",
    PLAN: "import evergreen.cli\nimport evergreen.running.run",
    "evergreen --help": "import evergreen.cli",
    "evergreen runs, show, lineage": "import evergreen.cli\nimport evergreen.lineage.reader",
    "evergreen gateway": "import evergreen.cli\nimport evergreen.serving.gateway.server",
    "evergreen serve": "import evergreen.serving.model_server.server",
    "python": "",
}
"""Python programs by the name of what they stand for."""

LIGHT = (PLAN, "evergreen --help", "evergreen runs, show, lineage", "evergreen gateway")
"""Those that need neither TensorFlow nor TFX nor Beam."""

NEVER = ("google.cloud.aiplatform", "kfp", "nltk", "sklearn", "matplotlib")
"""Packages that `from tfx import v1` imports, and that no node needs to start."""
