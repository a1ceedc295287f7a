"""The distribution: what an environment installs, and what Beam ships to its remote workers."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Returns the requirement specifiers of a file in requirements/, comments stripped."""
    lines = (HERE / "requirements" / name).read_text().splitlines()
    return [text for line in lines if (text := line.split("#")[0].strip())]


setup(
    name="evergreen",
    version="0.1.0",
    description="A TFX pipeline project that keeps a machine-learning model fresh in production",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.12",
    packages=find_packages(include=["evergreen*", "pipeline*", "models*", "data*", "configs*"]),
    package_data={
        "configs": ["*.yaml"],
        "data": ["**/*.pbtxt"],
        "models": ["**/*"],  # word lists and the like: workers elsewhere need them
        "evergreen": [
            "py.typed",
            "reporting/templates/*",
            "scaffold/templates/*",
            "dashboard/templates/*",
            "dashboard/static/*",
        ],
    },
    exclude_package_data={"models": ["**/__pycache__/*"]},
    install_requires=requirements("runtime.in"),
    extras_require={name: requirements(f"{name}.in") for name in ("examples", "mlflow")},
    entry_points={
        "console_scripts": [
            "evergreen=evergreen.cli:main",
            "evergreen-beam-worker=evergreen.workers.boot:main",
        ],
        "evergreen.orchestrators": [
            "beam=evergreen.orchestrators.beam:BeamOrchestrator",
            "kubeflow=evergreen.orchestrators.kubeflow:KubeflowOrchestrator",
            "local=evergreen.orchestrators.local:LocalOrchestrator",
        ],
    },
)
