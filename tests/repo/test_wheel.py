"""The wheel: complete, and able to serve without the checkout."""

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

import hailuo
from tests.served import ROOT, Served, environment

BUILD = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE")
OF_A_BUILD = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, since a build leaves its traces beside the source."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILD:
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "hailuo", source / "hailuo", ignore=OF_A_BUILD)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    offline = ("--no-build-isolation", "--no-index")
    subprocess.run([*pip, *offline, "--wheel-dir", source, source], check=True)
    (wheel,) = source.glob("*.whl")
    return wheel


def test_wheel_has_every_file_of_the_package(wheel: Path):
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "hailuo").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= set(ZipFile(wheel).namelist())


def test_wheel_has_the_version_of_the_package(wheel: Path):
    assert wheel.name == f"hailuo-{hailuo.__version__}-py3-none-any.whl"


def test_installed_wheel_serves_from_an_empty_folder(wheel: Path, tmp_path: Path):
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    ZipFile(wheel).extractall(installed)
    empty.mkdir()
    with Served(tmp_path, ("-m", "hailuo"), empty, PYTHONPATH=installed) as gateway:
        assert gateway.request("GET", "/ping").text == "pong"
        answer = gateway.client().chat.completions.create(
            model="hailuo", messages=[{"role": "user", "content": "Hello"}]
        )
        assert "simulator" in answer.choices[0].message.content


def test_installed_command_knows_its_version(wheel: Path, tmp_path: Path):
    ZipFile(wheel).extractall(tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", "from hailuo.cli import main; main()", "--version"],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": tmp_path}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert hailuo.__version__ in said.stdout
