"""Every regular expression that meets a stranger's text takes linear time over it."""

import ast
import importlib
import re
import time
from collections import deque
from pathlib import Path
from typing import Any

import pytest

import hailuo

ROOT = Path(hailuo.__file__).parent
LONG = 20_000  # characters; in linear time they take 0.01 s, in quadratic time 0.2 s
QUICK_S = 0.1
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
        source = path.read_text()
        module = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        for name in re.findall(r"^(\w+) = re\.compile\(", source, re.MULTILINE):
            uses = re.findall(rf"\b{name}\.(\w+)\(", source)
            found[f"{module}:{name}"] = uses[-1] if uses else "finditer"
    return found


COMPILED = compiled()


def test_regular_expressions_are_found():
    assert len(COMPILED) > 20


def test_no_regular_expression_uses_possessive_or_atomic_groups():
    """Possessive quantifiers and atomic groups, which Python 3.11.2 matches wrongly."""
    folders = [ROOT, ROOT.parent / "tests", ROOT.parent / "bench"]
    found = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    for path in [*found, *ROOT.parent.glob("*.py")]:
        source = path.read_text("utf-8")
        if "\nimport re\n" in source:
            for node in ast.walk(ast.parse(source)):
                for pattern in texts(node):
                    assert not locks_in(pattern), (path, pattern)


def texts(node: ast.AST) -> list[str | bytes]:
    """Return the constants in a call of a function of `re`, in any other node none."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name("re"))):
            constants = [
                each.value for each in ast.walk(node) if isinstance(each, ast.Constant)
            ]
            return [each for each in constants if isinstance(each, str | bytes)]
    return []


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

    def seconds(text: Any) -> float:
        begun = time.process_time()
        found = apply("", text) if use == "sub" else apply(text)
        if use == "finditer":
            deque(found, maxlen=0)
        return time.process_time() - begun

    for part in PARTS + BLANKS:
        for end in ("", "\0"):
            text = part * (LONG // len(part)) + end
            hostile = text.encode() if isinstance(expression.pattern, bytes) else text
            # Once, unless something else took the time, such as collecting garbage.
            assert any(seconds(hostile) < QUICK_S for _ in range(3)), text[:20]
