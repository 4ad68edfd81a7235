"""Versions: every dependency is bounded, and deployments install what is locked."""

import platform
import re
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.11.2", "3.12.0", "3.13.0", "3.14.0")


def requirements(text: str) -> list[Requirement]:
    """Parse requirements; the hashes of a lock file are left out."""
    text = re.sub(r"\s*\\\n\s*--hash=\S+", "", text)
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    return [Requirement(line) for line in lines if line]


SETUP = ConfigParser()
SETUP.read(ROOT / "setup.cfg")
DEPENDENCIES = requirements(SETUP["options"]["install_requires"])
EXTRAS = [
    each
    for text in SETUP["options.extras_require"].values()
    for each in requirements(text)
]
LOCK = requirements((ROOT / "requirements.lock").read_text())


def locked(python: str) -> dict[str, str]:
    """The version of each distribution that is installed on Linux by this Python."""
    where = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "sys_platform": "linux",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    chosen = [each for each in LOCK if not each.marker or each.marker.evaluate(where)]
    pins: dict[str, str] = {canonicalize_name(each.name): pin(each) for each in chosen}
    assert len(pins) == len(chosen), "a distribution is locked twice"
    return pins


def applies(requirement: Requirement, where: dict[str, str]) -> bool:
    return not requirement.marker or requirement.marker.evaluate(where)


def pin(requirement: Requirement) -> str:
    (only,) = requirement.specifier
    assert only.operator == "==", requirement
    return only.version


@pytest.mark.parametrize("dependency", [*DEPENDENCIES, *EXTRAS], ids=str)
def test_dependency_has_a_lower_and_an_upper_bound(dependency: Requirement):
    assert {each.operator for each in dependency.specifier} == {">=", "<"}


def test_lock_file_has_a_hash_of_each_distribution():
    lock = (ROOT / "requirements.lock").read_text()
    hashed = re.findall(r"^(\S+)==.*\\\n    --hash=sha256:", lock, re.MULTILINE)
    assert hashed == [each.name for each in LOCK]


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_file_satisfies_the_dependencies(python: str):
    pins, where = locked(python), {"python_version": python.rpartition(".")[0]}
    needed = (each for each in DEPENDENCIES if applies(each, where))
    for each in needed:
        version = pins.get(canonicalize_name(each.name))
        assert version and each.specifier.contains(version), f"{each}: run make lock"


def test_lock_file_includes_transitive_dependencies():
    """As those that are installed here say."""
    pins = locked(platform.python_version())
    for name in pins:
        for needed in map(Requirement, metadata.requires(name) or ()):
            if not needed.marker or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in pins, (name, needed)


@pytest.mark.parametrize(
    "path", ["deploy/Dockerfile", "docs/deploy.md", "render.yaml", "requirements.txt"]
)
def test_deployments_install_from_the_lock_file(path: str):
    text = (ROOT / path).read_text("utf-8")
    assert "-r requirements.lock" in text
    for line in re.findall(r"pip install(?! --quiet).*", text):
        assert "-r requirements.lock" in line or "--no-deps" in line, line
