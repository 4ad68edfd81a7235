"""Every regular expression that meets a stranger's text takes linear time over it."""

import ast
import importlib
import re
import time
from collections import deque
from pathlib import Path

import pytest

import hailuo

ROOT = Path(hailuo.__file__).parent
LONG = 100_000  # characters; in quadratic time they take minutes
# What each begins with, or repeats, and what keeps it from being found.
PARTS = """![ ![]( ![]()( ![]((a) (1) ( [ . ! !" 。 , ， /v1 / // a 1 - eyJ sk- @ : é
    bearer data: https:// oss- -internal .aliyuncs filename*= filename*=a' .pdf
    <!----> <?xml <!""".split()
BLANKS = [" ", "\n", " \n", "bearer ", ", ", "filename* ", "(1) ", "\ufffd", "\\"]


def compiled() -> dict[str, str]:
    """All of the gateway's but the simulator's, with the method each is used by.

    One that is only tried at the beginning need not be quick elsewhere.
    """
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "simulator" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        uses = {
            ast.unparse(node.value): node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
        }
        module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for node in tree.body:
            if "re.compile(" in ast.unparse(node) and isinstance(node, ast.Assign):
                name = ast.unparse(node.targets[0])
                found[f"{module}:{name}"] = uses.get(name, "finditer")
    return found


COMPILED = compiled()


def test_regular_expressions_are_found():
    assert len(COMPILED) > 20


def test_no_regular_expression_uses_possessive_or_atomic_groups():
    """Possessive quantifiers and atomic groups, which Python 3.11.2 matches wrongly."""
    folders = [ROOT, ROOT.parent / "tests", ROOT.parent / "bench"]
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    for path in [*found, *ROOT.parent.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re."):
                for pattern in texts(node):
                    assert not locks_in(pattern), (path, node.lineno, pattern)


def texts(node: ast.Call) -> list[str | bytes]:
    constants = [each for each in ast.walk(node) if isinstance(each, ast.Constant)]
    return [each.value for each in constants if isinstance(each.value, str | bytes)]


def locks_in(pattern: str | bytes) -> bool:
    try:
        parsed = str(re._parser.parse(pattern))  # type: ignore[attr-defined]
    except re.error:
        return False  # a part of one, or no pattern at all
    return "POSSESSIVE_REPEAT" in parsed or "ATOMIC_GROUP" in parsed


@pytest.mark.parametrize("pattern", ["a*+b", b"a++", "[ab]{2,3}+", "(?>a|b)c"])
def test_possessive_and_atomic_groups_are_detected(pattern: str | bytes):
    assert locks_in(pattern)
    assert not locks_in("[*+]+\\+?")


@pytest.mark.parametrize("name", COMPILED)
def test_regular_expression_is_linear_on_hostile_text(name: str):
    module, _, attribute = name.partition(":")
    expression = getattr(importlib.import_module(module), attribute)
    use = COMPILED[name]
    apply = getattr(expression, use)
    begun = time.process_time()
    for part in PARTS + BLANKS:
        for end in ("", "\0"):
            text = part * (LONG // len(part)) + end
            hostile = text.encode() if isinstance(expression.pattern, bytes) else text
            found = apply("", hostile) if use == "sub" else apply(hostile)
            if use == "finditer":
                deque(found, maxlen=0)
    assert time.process_time() - begun < 20
