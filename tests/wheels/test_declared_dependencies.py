"""What each distribution imports is what it declares to need: itself, or as an extra."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions, requires
from importlib.util import find_spec

import pytest
from interpreters import ROOT, SUPPORTED

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MEMBERS = {"distrokit": ROOT / "distrokit"} | {
    folder.name: folder / "src" / folder.name.replace("-", "_") for folder in (ROOT / "plugins").iterdir()
}
#: Imported by nobody but pytest and PyInstaller themselves, which are there then.
NOT_DECLARED = {"distrokit": {"pytest", "pyinstaller"}}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def owners() -> dict[str, str]:
    """Each installed file of Python, and the distribution that has it."""
    # Each look at a name reads the distribution's metadata.
    named = [(normal(dist.name), dist) for dist in distributions()]
    return {str(dist.locate_file(file)): name for name, dist in named for file in dist.files or ()}


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that are imported when it runs, anywhere in it; of ``from a import b`` also ``a.b``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            constants = [
                child for argument in node.args for child in ast.walk(argument) if isinstance(child, ast.Constant)
            ]
            yield from (child.value for child in constants if isinstance(child.value, str))
        yield from imports(node)


def owner_of(module: str) -> str | None:
    """The distribution that has a module, or the package around it; ``None`` when this environment has none."""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return None
    while module:
        try:
            spec = find_spec(module)
        except (ImportError, AttributeError):
            spec = None
        if spec is not None and spec.origin is not None:
            return owners().get(spec.origin, module.partition(".")[0].replace("_", "-"))
        module = module.rpartition(".")[0]
    return None


def imported(member: str) -> set[str]:
    files = [file for file in MEMBERS[member].rglob("*.py") if not {"templates", "__pycache__"} & set(file.parts)]
    found = {owner_of(module) for file in files for module in imports(ast.parse(file.read_text()))}
    return {name for name in found if name} - {member}


def declared(member: str) -> set[str]:
    return {normal(re.match(r"[\w.-]+", text)[0]) for text in requires(member) or ()}


@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_what_is_imported_is_declared(member):
    if not list(distributions(name=member)):
        pytest.skip("not for this release of OpenTelemetry")

    assert imported(member) - declared(member) - NOT_DECLARED.get(member, set()) == set()


def test_it_knows_an_import_from_one_for_types_only():
    source = """
if TYPE_CHECKING:
    import requests
def f():
    from opentelemetry.sdk.trace import export
    from importlib import import_module
    import_module("grpc")
"""
    found = {owner_of(module) for module in imports(ast.parse(source))}

    assert found == {None, "opentelemetry-sdk", "grpcio"}


def test_the_core_needs_pluggy_and_opentelemetry_alone():
    needed = {normal(re.match(r"[\w.-]+", text)[0]) for text in requires("distrokit") or () if "extra" not in text}

    assert needed == {"pluggy", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-instrumentation"}


@pytest.mark.parametrize("member", sorted(MEMBERS))
def test_no_later_python_is_refused(member):
    folder = ROOT if member == "distrokit" else ROOT / "plugins" / member
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]

    assert project["requires-python"] == ">=3.10"
    assert {c.rpartition(" ")[2] for c in project["classifiers"] if ":: Python :: 3." in c} == set(SUPPORTED)
