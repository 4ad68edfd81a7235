"""The installation: Python, the package, and the versions of its dependencies."""

import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from .findings import Finding, error, ok, warning

PACKAGE = "hailuo"


def findings() -> Iterator[Finding]:
    """Check the versions of what is installed."""
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        yield warning(
            "versions",
            "the package is not installed, so its dependencies cannot be checked",
            "run `pip install .` in the checkout",
        )
        return
    yield ok(
        "versions", f"{PACKAGE} {package.version}, Python {platform.python_version()}"
    )
    unfit = [
        (requirement, problem)
        for requirement in map(Requirement, package.requires or ())
        if (problem := _problem(requirement))
    ]
    for requirement, problem in unfit:
        yield error(
            "dependencies",
            f"{requirement.name} {problem}",
            f"run pip install '{requirement.name}{requirement.specifier}'",
        )
    if not unfit:
        yield ok("dependencies", "all are within their bounds")


def _problem(requirement: Requirement) -> str:
    """Return what is wrong with a dependency, "" for nothing."""
    marker = requirement.marker
    if marker and not marker.evaluate({"extra": ""}):
        return ""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return "is not installed"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{version} is outside of its bounds, {requirement.specifier}"
