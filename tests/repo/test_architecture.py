"""The plan of the house, held to: who may import whom, and whose words live where."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "hailuo"


def name_of(path: Path) -> str:
    """`hailuo/upstream/web/chat.py` → `upstream.web.chat`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "hailuo"


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


UPSTREAMS = [
    name_of(path.parent / "__init__.py")
    for path in sorted((PACKAGE / "upstream").glob("*/__init__.py"))
]


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text("utf-8"))


@cache
def imports(module: str) -> frozenset[str]:
    """Return the imports of a module: ours by short names, libraries by theirs."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= set(_named(module, node))
    return frozenset(_ours(each) for each in found)


def _named(module: str, node: ast.ImportFrom) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        folder = MODULES[module].parent
        for _ in range(node.level - 1):
            folder = folder.parent
        inside = folder.relative_to(PACKAGE).parts
        base = ".".join(["hailuo", *inside, *filter(None, [base])])
    for each in node.names:
        deeper = f"{base}.{each.name}"
        yield deeper if _ours(deeper) in MODULES else base


def _ours(name: str) -> str:
    return "hailuo" if name == "hailuo" else name.removeprefix("hailuo.")


def under(module: str, *folders: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in folders)


def within(*folders: str) -> list[str]:
    return [module for module in MODULES if under(module, *folders)]


def outside(*folders: str) -> list[str]:
    return [module for module in MODULES if not under(module, *folders)]


# The layers of the package, from top to bottom: imports run down, or stay within a
# layer, whose parts are named together.
FLOORS = (
    ("cli",),
    ("__main__", "gunicorn_config", "wsgi"),
    ("hailuo",),
    ("endpoints",),
    ("gateway",),
    ("accounts",),
    ("upstream",),
    ("audio", "documents", "images"),
    ("files", "json_schema"),
    ("net",),
    ("concurrency",),
    ("spool", "child_process", "child_limits"),
    ("metrics",),
    ("logs", "settings"),
    ("setting_values",),
    ("errors",),
    ("masking", "tracebacks", "units"),
)


def floor_of(module: str) -> int:
    """The number of a module's floor, 0 at the top."""
    for number, rooms in enumerate(FLOORS):
        if under(module, *rooms):
            return number
    raise AssertionError(f"{module} is on no floor")


def test_imports_run_down():
    for module in outside("simulator"):
        for imported in imports(module):
            if imported in MODULES and not (module == "__main__"):
                assert floor_of(module) <= floor_of(imported), (module, imported)


def test_imports_have_no_cycles():
    """Not even by way of others."""

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path, module))
        if module not in done:
            for each in sorted(imports(module)):
                if each in MODULES and each != module:
                    visit(each, (*path, module))
            done.add(module)

    done: set[str] = set()
    for module in MODULES:
        visit(module, ())


def test_upstreams_do_not_import_each_other():
    for one, other in permutations(UPSTREAMS, 2):
        for module in within(one):
            assert not any(under(x, other) for x in imports(module)), module


def test_only_assembly_imports_concrete_upstreams():
    """Only who assembles the program, and who tells credentials apart, names them."""
    assemblers = ("hailuo", "__main__", "upstream.registry")
    for module in outside("upstream", "simulator"):
        if module not in assemblers:
            named = [x for x in imports(module) if under(x, *UPSTREAMS)]
            assert not named, module


@pytest.mark.parametrize("library", ["flask", "flask_cors", "werkzeug"])
def test_only_endpoints_import_flask(library: str):
    for module in outside("endpoints"):
        if module != "hailuo":
            assert not any(under(x, library) for x in imports(module)), module


@pytest.mark.parametrize("library", ["requests", "urllib3", "http.client"])
def test_only_network_code_imports_http_libraries(library: str):
    for module in outside("upstream", "net", "simulator"):
        assert not any(under(x, library) for x in imports(module)), module


def test_settings_are_passed_in_as_values():
    """Parts get values, not settings, so that they can be built with others."""
    for module in within("gateway", "accounts", "upstream", "net"):
        if module == "upstream.registry":
            continue  # it builds the upstreams
        assert "settings" not in imports(module), module


def test_package_does_not_import_the_simulator():
    """`__main__` starts it as a process."""
    for module in outside("simulator"):
        assert not any(under(x, "simulator") for x in imports(module)), module


def test_inner_layers_do_not_import_endpoints():
    for module in outside("endpoints"):
        if module not in ("hailuo", "wsgi"):
            assert not any(under(x, "endpoints") for x in imports(module)), module


def test_only_gunicorn_config_mentions_gevent():
    mentioned_in = {
        module for module in MODULES if "gevent" in MODULES[module].read_text("utf-8")
    }
    assert mentioned_in == {"gunicorn_config"}


@cache
def names(module: str) -> frozenset[str]:
    """Every identifier, and every string that is a single word."""
    found = set()
    for node in ast.walk(tree(module)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.keyword(arg=str(name)) | ast.FunctionDef(name=name):
                found.add(name)
            case ast.Constant(value=str(name)):
                found.add(name)
            case ast.Constant(value=bytes(name)):
                found.add(name.decode("latin-1"))
    return frozenset(found)


OPENAIS = {"choices", "finish_reason", "delta"}
WEBS = {
    "chatID",
    "msgID",
    "statusInfo",
    "Yy",
    "msgContent",
    "characterID",
    "messageResult",
    "sendResult",
    "searchMode",
    "deviceIDStr",
    "linkDetail",
    "isEnd",
}
PLATFORMS = {"base_resp", "status_msg"}


def strangers(words: set[str], *home: str) -> dict[str, set[str]]:
    """Return the modules outside *home* that use these words."""
    used = {module: set(names(module)) & words for module in outside(*home)}
    return {module: words for module, words in used.items() if words}


def test_openais_words_appear_only_in_endpoints():
    """The platform happens to speak them too; it is translated at its own border.

    `hailuo ask` is a client.
    """
    homes = "endpoints", "upstream.platform", "simulator", "cli.chat_stream"
    assert strangers(OPENAIS, *homes) == {}


def test_web_protocol_words_appear_only_in_the_web_upstream():
    assert strangers(WEBS, "upstream.web", "simulator") == {}


def test_platform_protocol_words_appear_only_in_the_platform_upstream():
    assert strangers(PLATFORMS, "upstream.platform", "simulator") == {}


def test_importing_a_module_has_no_side_effects():
    """A module makes constants, functions and classes; nothing runs by being read.

    The entry points of a server are read in order to run.
    """
    harmless = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
    )
    for module in outside("gunicorn_config", "wsgi"):
        for node in tree(module).body:
            words = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            guarded = isinstance(node, ast.If)
            if isinstance(node, ast.If):
                known = "__name__|TYPE_CHECKING|version_info"
                assert re.search(known, ast.unparse(node.test))
            assert guarded or words or isinstance(node, harmless), (
                module,
                ast.unparse(node),
            )


def test_modules_are_short_and_have_docstrings():
    for module, path in MODULES.items():
        assert ast.get_docstring(tree(module)), f"{module} says not what it is"
        assert len(path.read_text("utf-8").splitlines()) <= 320, module
