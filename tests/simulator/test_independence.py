"""The simulator has its own understanding of the protocol."""

import ast
from pathlib import Path

import pytest

from hailuo import simulator

FOLDER = Path(simulator.__file__).parent


def depth(module: Path) -> int:
    """How many dots of a relative import stay inside the simulator."""
    return len(module.relative_to(FOLDER).parts)


@pytest.mark.parametrize(
    "module",
    sorted(FOLDER.rglob("*.py")),
    ids=lambda path: str(path.relative_to(FOLDER)),
)
def test_simulator_module_imports_nothing_of_the_gateway(module: Path):
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level <= depth(module)
            assert not (node.module or "").startswith("hailuo")
        elif isinstance(node, ast.Import):
            assert not any(name.name.startswith("hailuo") for name in node.names)
