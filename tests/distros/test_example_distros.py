"""The distros under ``docs/examples/distros`` use nothing but public names, of distrokit and of everybody else."""

from __future__ import annotations

import ast
import json
import types
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from plans import DEFAULTS
from processes import distrokit
from vendor_distros import EXAMPLES, Example, examples

import distrokit as public
from distrokit.testing import check_plugin

#: The logs API and its SDK have no other name.
LOGS = ("opentelemetry._logs", "opentelemetry.sdk._logs")

#: What reads and writes attributes by name.
BY_NAME = ("getattr", "setattr", "delattr", "hasattr", "attrgetter", "import_module", "__import__")


def private(name: str) -> bool:
    """``_x`` and ``__x``, not ``__x__``, and not ``_``, which is nobody's."""
    return name.startswith("_") and name.strip("_") != "" and not (name.startswith("__") and name.endswith("__"))


def refused_module(module: str, own: str) -> bool:
    """Whether a module is not for outsiders."""
    if module == own or module.startswith(f"{own}."):
        return False
    for allowed in LOGS:
        if module == allowed or module.startswith(f"{allowed}."):
            module = module.removeprefix(allowed)
    return any(map(private, module.split("."))) or module.startswith(("distrokit.", "distrokit_"))


class Finder(ast.NodeVisitor):
    """Collects what a module must not do, as ``line: what``."""

    def __init__(self, own: str) -> None:
        self.own = own
        self.found: list[str] = []
        self.classes: list[set[str]] = []

    def refuse(self, node: ast.AST, what: str) -> None:
        self.found.append(f"{getattr(node, 'lineno', 0)}: {what}")

    def visit_Import(self, node: ast.Import) -> None:
        for name in node.names:
            if name.name == "distrokit" or refused_module(name.name, self.own):
                self.refuse(node, f"import {name.name}")

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level or module == self.own or module.startswith(f"{self.own}."):
            return
        if refused_module(module, self.own):
            self.refuse(node, f"from {module} import")
        for name in node.names:
            whole = f"{module}.{name.name}"
            if (private(name.name) and whole not in LOGS) or name.name == "*":
                self.refuse(node, f"from {module} import {name.name}")
            if module == "distrokit" and name.name not in (*public.__all__, "Pipeline"):
                self.refuse(node, f"from distrokit import {name.name}")

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        of_its_own = {
            inner.attr
            for inner in ast.walk(node)
            if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store) and named(inner.value, "self")
        }
        for statement in node.body:
            if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)) and private(statement.name):
                if node.bases:
                    # It may be what a base calls, and that is as private as calling it.
                    self.refuse(statement, f"{node.name} has a base and a method {statement.name}")
                of_its_own.add(statement.name)
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            of_its_own |= {target.id for target in targets if isinstance(target, ast.Name)}
        self.classes.append(of_its_own)
        self.generic_visit(node)
        self.classes.pop()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        own = bool(self.classes) and node.attr in self.classes[-1]
        # Another object of the same class is fine; somebody else's is not.
        if private(node.attr) and not (own and isinstance(node.value, ast.Name)) and ast.unparse(node) not in LOGS:
            self.refuse(node, ast.unparse(node))
        if named(node.value, "os") and node.attr in ("environ", "environb", "getenv", "putenv", "unsetenv"):
            self.refuse(node, f"os.{node.attr}: settings are read through distrokit, and never written")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if called in BY_NAME and any(private(part) for text in texts for part in text.split(".")):
            self.refuse(node, ast.unparse(node))
        if called == "vars" and node.args:
            self.refuse(node, ast.unparse(node))
        self.generic_visit(node)


def named(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def findings(source: str, own: str = "acme_example") -> list[str]:
    finder = Finder(own)
    finder.visit(ast.parse(source))
    return finder.found


def modules(example: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((EXAMPLES / example / "src").rglob("*.py")):
        yield path.relative_to(EXAMPLES / example / "src").parts[0], path


@pytest.mark.parametrize("example", examples())
def test_an_example_uses_public_names_only(example):
    found = [f"{path.name}:{what}" for own, path in modules(example) for what in findings(path.read_text(), own)]

    assert found == []


@pytest.mark.parametrize(
    "source",
    [
        "import distrokit",
        "from distrokit.plan.plan import Plan",
        "from distrokit import Pluginz",
        "import distrokit_otlp",
        "from opentelemetry.sdk._configuration import _OTelSDKConfigurator",
        "from opentelemetry.sdk.trace import _Span",
        "from opentelemetry.sdk import _configuration",
        "from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter",
        "from opentelemetry.sdk._logs._internal import export",
        "from opentelemetry.propagate import *",
        "provider._active_span_processor",
        "class A:\n    def f(self, other):\n        self._x = 1\n        return other.thing._x",
        "class A(B):\n    def f(self):\n        return self._exporter",
        "class A(SpanProcessor):\n    def _on_ending(self, span): ...",
        "getattr(provider, '_sampler')",
        "vars(provider)",
        "importlib.import_module('opentelemetry.sdk._configuration')",
        "import os\nos.environ['OTEL_SERVICE_NAME'] = 'x'",
    ],
)
def test_the_rule_finds(source):
    assert findings(source) != []


@pytest.mark.parametrize(
    "source",
    [
        "from distrokit import Distro, hookimpl",
        "from opentelemetry import _logs",
        "from opentelemetry._logs import get_logger_provider",
        "from opentelemetry.sdk._logs.export import LogRecordExporter",
        "from acme_example.realm import _pattern",
        "class A(B):\n    def __init__(self):\n        self._x = 1\n    def f(self):\n        return self._x",
        "class A:\n    def _f(self): ...\n    def g(self):\n        return self._f()",
        "for _ in range(3): ...",
    ],
)
def test_the_rule_allows(source):
    assert findings(source) == []


@pytest.mark.parametrize("example", examples())
def test_an_example_is_a_distro_of_its_own_name(example):
    it = Example(example)
    name, module = f"{example}-example", f"{example}_example"

    assert it.project["name"] == f"example-{example}-distro"
    assert list(it.entry_points["distrokit.distro"]) == [name]
    assert it.entry_points["opentelemetry_distro"] == {name: "distrokit.launch.distro:DistrokitDistro"}
    assert (it.distro.name, it.distro.version) == (name, it.project["version"])
    assert (it.source / module / "py.typed").exists()
    assert (it.folder / "README.md").exists()


@pytest.mark.parametrize(
    ("chosen", "active", "code"),
    [(None, "distrokit", "distro-tie"), ("splunk-example", "splunk-example", ""), ("distrokit", "distrokit", "")],
)
def test_two_of_them_side_by_side_are_as_coexistence_has_it(tmp_path, chosen, active, code):
    path = [*Example("splunk").published(tmp_path), *Example("elastic").published(tmp_path)]
    env = {"OTEL_PYTHON_DISTRO": chosen} if chosen else {}

    plan = json.loads(distrokit("explain", "--json", env=env, path=path).stdout)

    assert plan["distro"]["name"] == active
    assert {"splunk-example", "elastic-example"} - {active} == set(plan["distro"]["others"])
    assert [problem["code"] for problem in plan["problems"]] == ([code] if code else [])
    status = {plugin["name"]: plugin["status"] for plugin in plan["plugins"] if plugin["name"].endswith("-example")}
    loaded = {name for name, state in status.items() if state == "loaded"}
    assert loaded == {active} - {"distrokit"}
    # Nothing of one that is not in charge is in effect.
    sampler = {"splunk-example": "always_on"}.get(active)
    assert (plan["sampler"]["name"] if plan["sampler"] else None) == sampler
    assert ("service.name" in plan["resource"]["attributes"]) == (active == "splunk-example")


@pytest.mark.parametrize("example", examples())
def test_the_plugins_of_an_example_keep_what_plugins_promise(example):
    own = {name: module for name, module in Example(example).plugins.items() if name not in DEFAULTS}

    assert own
    for name, plugin in own.items():
        # One of them is an object, which is not built in another process, and a warning says so.
        is_object = not isinstance(plugin, types.ModuleType)
        with pytest.warns(UserWarning, match="cannot be imported by name") if is_object else nullcontext():
            check_plugin(plugin, name)
