"""What users install: built wheels in fresh environments, outside the checkout."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from textwrap import dedent
from typing import Any

import pytest
from distributions import write_plugin
from interpreters import ROOT, SUPPORTED, Environment, find
from kits import write_kit
from processes import EAGER, said
from three_signals import THREE_SIGNALS
from vendor_distros import Example, examples

import distrokit
from distrokit_dev.demo import PROGRAM

MEMBERS = ("batch", "build", "components", "dev", "guard", "otlp", "policy", "resource", "spool", "yaml")

# One worker does them all: it builds the wheels once.
pytestmark = [pytest.mark.wheels, pytest.mark.xdist_group("wheels")]


def program(environment, source, name="no_configuration.py"):
    path = environment.folder / name
    path.write_text(dedent(source))
    return path


def test_every_member_has_a_wheel_of_one_version_with_its_types(wheels):
    names = sorted(path.name for path in wheels.glob("*.whl"))
    version = distrokit.__version__

    assert names == sorted(
        f"{name}-{version}-py3-none-any.whl" for name in ("distrokit", *(f"distrokit_{m}" for m in MEMBERS))
    )
    for path in wheels.glob("*.whl"):
        listing = subprocess.run(
            [sys.executable, "-m", "zipfile", "-l", str(path)], capture_output=True, text=True
        ).stdout
        assert "/py.typed" in listing
        # Those that a new package is made of are not its own.
        assert "tests/" not in "\n".join(line for line in listing.splitlines() if "/new/templates/" not in line)
        assert (path.name.startswith("distrokit-") and "LICENSE" in listing) or path.name.startswith("distrokit_")


def test_all_members_carry_one_version():
    found = {
        re.search(r'^version = "(.*)"', p.read_text(), re.MULTILINE)[1]
        for p in ROOT.glob("**/pyproject.toml")
        if not {".venv", "examples"} & {*p.parts}
    }

    assert found == {distrokit.__version__}


@pytest.mark.parametrize("version", SUPPORTED)
def test_the_default_set_on_every_supported_python(version, tmp_path, wheels, receiver):
    python = find(version)
    if python is None:
        pytest.skip(f"this machine has no Python {version}")
    environment = Environment(tmp_path / "venv", wheels, python)
    environment.install("distrokit[otlp]", "opentelemetry-instrumentation-logging")

    for protocol in ("grpc", "http/protobuf"):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        result = environment.run(
            "opentelemetry-instrument", "python", str(program(environment, THREE_SIGNALS)), env=env
        )
        assert (result.stdout, said(result), result.returncode) == ("done\n", [], 0), result.stderr

    assert [span.name for span in receiver.store.spans()] == ["foo", "foo"]
    assert [log.body for log in receiver.store.logs()] == ["hello there"] * 2
    assert [point.name for point in receiver.store.points()] == ["orders"] * 2
    assert {s.resource["process.runtime.version"].rpartition(".")[0] for s in receiver.store.spans()} == {version}
    assert environment.run("distrokit", "doctor", "--offline").returncode == 0


def test_pip_installs_what_the_readme_says(environment, receiver):
    environment.install("pip")
    command = ["python", "-m", "pip", "install", "-q", "--find-links", str(environment.wheels)]
    done = environment.run(*command, "distrokit[otlp]", "opentelemetry-instrumentation")
    assert done.returncode == 0, done.stderr

    path = program(environment, PROGRAM)
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    result = environment.run("opentelemetry-instrument", "python", str(path), env=env)

    assert (result.stdout, result.stderr) == ("baz\n", "")
    assert {span.name for span in receiver.store.spans()} == {"foo", "bar"}


@pytest.mark.parametrize(("without", "release"), [("yaml", "1.43."), ("", "1.44.")])
def test_the_lowest_declared_versions(tmp_path, wheels, without, release):
    environment = Environment(tmp_path / "venv", wheels, find("3.10") or sys.executable)
    # Only direct requirements are resolved to their lowest, so every floor of every member is made one.
    members = [f"distrokit-{member}" for member in MEMBERS if member != without]
    environment.install("distrokit", *members, *_floors(without), options=["--resolution", "lowest-direct"])

    data = json.loads(environment.run("distrokit", "demo", "--json").stdout)
    plan = json.loads(environment.run("distrokit", "explain", "--json").stdout)

    spans = {span["name"]: span["resource"] for span in data["spans"]}
    assert (data["ok"], data["problem"]) == (True, None)
    assert data["program"]["stderr"] == ""
    assert spans["foo"]["telemetry.sdk.version"].startswith(release)
    assert plan["problems"] == []
    if not without:
        file = environment.folder / "otel.yaml"
        file.write_text(environment.run("distrokit", "config", "show").stdout)
        checked = environment.run("distrokit", "config", "validate", str(file))
        assert (checked.returncode, checked.stdout) == (0, f"{file}: no problems\n"), checked.stderr


def _floors(without: str) -> list[str]:
    """Every dependency of every member but one, so that it is a direct one; distrokit's own aside."""
    files = [path for path in ROOT.glob("plugins/*/pyproject.toml") if path.parent.name != f"distrokit-{without}"]
    text = "".join(path.read_text() for path in [ROOT / "pyproject.toml", *files])
    block = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    found = {line.strip(' ",') for lines in block for line in lines.splitlines()}
    return sorted(name for name in found if not name.startswith("distrokit"))


def test_the_core_alone(environment):
    environment.install("distrokit")
    path = program(environment, "import sys; print('ran'); sys.exit(7)")

    result = environment.run("opentelemetry-instrument", "python", str(path), env=EAGER)

    assert (result.stdout, result.returncode) == ("ran\n", 7)
    (line,) = result.stderr.splitlines()
    assert "Run `pip install 'distrokit[otlp]'`." in line
    foreign = {name for name in environment.installed() if not name.startswith("opentelemetry")}
    assert foreign == {"distrokit", "packaging", "pluggy", "typing_extensions", "wrapt"}


def test_what_sends_is_not_native(environment, receiver):
    """OTLP alone, without the extra that brings OpenTelemetry's own exporters."""
    environment.install("distrokit-otlp", "distrokit-batch", "opentelemetry-instrumentation-logging")
    others = {"grpcio", "protobuf", "requests", "urllib3", "opentelemetry-proto", "googleapis-common-protos"}
    assert not others & environment.installed()

    for protocol in ("grpc", "http/protobuf", "http/json"):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        result = environment.run("distrokit", "run", "python", str(program(environment, THREE_SIGNALS)), env=env)
        assert (result.stdout, said(result), result.returncode) == ("done\n", [], 0), result.stderr
    assert [span.name for span in receiver.store.spans()] == ["foo", "foo", "foo"]

    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "DISTROKIT_OTLP_GRPC": "grpcio"}
    result = environment.run("distrokit", "run", "python", str(program(environment, THREE_SIGNALS)), env=env)
    assert (result.stdout, result.returncode) == ("done\n", 0)
    assert "DISTROKIT_OTLP_GRPC=grpcio needs the package grpcio: pip install 'distrokit-otlp[grpcio]'" in result.stderr


#: What of others a program has loaded, beyond what it asks for: modules that are compiled, and protobuf.
LOADED = """
import sys
from opentelemetry import trace
trace.get_tracer_provider().force_flush()
print([name for name, module in sorted(sys.modules.items())
       if "site-packages" in str(getattr(module, "__file__", "")) and str(module.__file__).endswith((".so", ".pyd"))
       or name.startswith(("google.protobuf", "opentelemetry.proto"))])
"""


@pytest.mark.parametrize("protobuf", ["protobuf==3.20.3", "protobuf>=7.0rc0", None])
def test_the_protobuf_of_the_application_does_not_matter(protobuf, environment, receiver):
    environment.install("distrokit-otlp", "distrokit-batch", *filter(None, [protobuf]))
    path = program(environment, dedent(THREE_SIGNALS) + LOADED)

    for protocol in ("grpc", "http/protobuf", "http/json"):
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        result = environment.run("distrokit", "run", "python", str(path), env=env)
        assert (result.stdout, said(result), result.returncode) == ("done\n[]\n", [], 0), result.stderr
    assert [span.name for span in receiver.store.spans()] == ["foo", "foo", "foo"]


#: Modules that need an extra.
EXTRAS = {
    "otlp": {
        "distrokit_otlp.grpc.grpcio_sender": "grpc",
        "distrokit_otlp.json_encoders": "opentelemetry",
        "distrokit_otlp.encoders": "opentelemetry",
    }
}


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_with_only_its_declared_dependencies(member, environment):
    environment.install(f"distrokit-{member}")

    listed = environment.run("distrokit", "plugins")
    # Every module of it, so that an import of a sibling or of something undeclared is found.
    source = f"""
        import importlib, pkgutil, distrokit_{member}
        extras = {EXTRAS.get(member, {})!r}
        for module in pkgutil.walk_packages(distrokit_{member}.__path__, "distrokit_{member}."):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                assert error.name.partition(".")[0] == extras.get(module.name), error
    """
    imported = environment.run("python", str(program(environment, source)))

    assert re.fullmatch(
        rf"{member} +distrokit-{member} 0\.1\.0 +loaded .*\n\ncall order\n(  distrokit_.*\n)+", listed.stdout
    ), listed.stdout
    assert (imported.returncode, imported.stderr) == (0, "")
    siblings = {f"distrokit-{other}" for other in MEMBERS if other != member}
    assert not siblings & environment.installed()


@pytest.mark.parametrize("winner", ["distrokit", "distro"])
def test_beside_opentelemetry_distro_one_of_the_two_does_everything(winner, environment, receiver):
    environment.install("distrokit[otlp]", "opentelemetry-distro", "opentelemetry-exporter-otlp")
    source = """
        import threading
        from opentelemetry import trace

        trace.get_tracer("t").start_span("s").end()
        print(sorted(t.name for t in threading.enumerate() if t.name != "MainThread"))
    """
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    if winner != "distrokit":
        env["OTEL_PYTHON_DISTRO"] = winner

    result = environment.run("opentelemetry-instrument", "python", str(program(environment, source)), env=env)

    # The threads of one of them, once; distrokit's begin with the first item.
    theirs = ["OtelBatchLogRecordProcessor", "OtelBatchSpanRecordProcessor", "OtelPeriodicExportingMetricReader"]
    assert result.stdout == f"{['distrokit-traces'] if winner == 'distrokit' else theirs}\n"
    (span,) = receiver.store.spans()
    assert ("telemetry.distro.name" in span.resource) == (winner == "distrokit")
    assert "Overriding" not in result.stderr


#: What is set, and which distros made of plugins are installed besides: who configures the process, as
#: docs/coexistence.md has it.
OUTCOMES = [
    ({}, ["acme"], "acme"),
    ({"OTEL_PYTHON_DISTRO": "theirs"}, ["acme"], "theirs"),
    ({"OTEL_PYTHON_CONFIGURATOR": "configurator"}, [], "theirs"),
]
MORE_OUTCOMES = [
    ({}, [], "distrokit"),
    ({}, ["acme", "globex"], "distrokit"),
    ({"OTEL_PYTHON_DISTRO": "globex"}, ["acme", "globex"], "globex"),
    ({"OTEL_PYTHON_DISTRO": "distrokit"}, ["acme"], "distrokit"),
    ({"OTEL_PYTHON_DISTRO": "nobody"}, ["acme"], "acme"),
]


@pytest.mark.parametrize(
    ("theirs", "name", "module", "outcomes"),
    [
        ("opentelemetry-distro>=0.64b0", "distro", "opentelemetry.distro", [*OUTCOMES, *MORE_OUTCOMES]),
        ("splunk-opentelemetry>=2.13", "splunk_distro", "splunk_otel", OUTCOMES),
        ("elastic-opentelemetry>=1.17", "distro", "elasticotel", OUTCOMES),
    ],
)
def test_beside_the_distros_of_others(theirs, name, module, outcomes, environment, receiver, tmp_path):
    environment.install("distrokit[otlp]", "opentelemetry-exporter-otlp", theirs)
    kits = {kit: write_kit(tmp_path, kit) for kit in ("acme", "globex")}
    source = f"""
        import sys
        from opentelemetry import trace

        trace.get_tracer("t").start_span("s").end()
        name = trace.get_tracer_provider().resource.attributes.get("telemetry.distro.name")
        print("theirs" if {module!r} in sys.modules else name)
    """
    path = str(program(environment, source))
    # One of the others looks for clouds otherwise.
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel"}
    seen, expected = [], []
    for given, installed, winner in outcomes:
        there = {key: name if text == "theirs" else text for key, text in given.items()}
        there |= {**env, "PYTHONPATH": os.pathsep.join(str(kits[kit]) for kit in installed)}
        result = environment.run("opentelemetry-instrument", "python", path, env=there)
        told = environment.run("distrokit", "explain", env=there).stdout.split()
        seen.append((given, installed, result.stdout.strip(), told[:3], "Overriding" in result.stderr))
        line = ["NOT", "ACTIVE:", told[2]] if winner == "theirs" else ["distro", winner, told[2]]
        expected.append((given, installed, winner, line, False))
    assert seen == expected
    assert len(receiver.store.spans()) == len(outcomes)


def test_the_readmes_plugin_from_an_installed_distribution(environment, receiver, tmp_path):
    """The README's two files, word for word, built, installed, and seen at work."""
    readme = (ROOT / "README.md").read_text()
    module = re.search(r"```python\n(# acme_otel\.py\n.*?)```", readme, re.DOTALL)[1]
    pyproject = re.search(r"```toml\n(# pyproject\.toml\n.*?)```", readme, re.DOTALL)[1]
    assert len([line for line in module.splitlines() if line.strip() and not line.startswith("#")]) <= 10
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "acme_otel.py").write_text(module)
    (folder / "pyproject.toml").write_text(pyproject)
    environment.install("distrokit[otlp]", str(folder))

    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    source = """
        from opentelemetry import trace
        for path in ("/healthz", "/orders"):
            trace.get_tracer("t").start_span(path, attributes={"url.path": path}).end()
    """
    result = environment.run("opentelemetry-instrument", "python", str(program(environment, source)), env=env)

    assert result.stderr == ""
    assert [span.name for span in receiver.store.spans()] == ["/orders"]
    assert "acme" in environment.run("distrokit", "plugins").stdout


def test_the_layout_that_the_kubernetes_operator_injects(environment, receiver, tmp_path):
    """A folder that pip has filled, on the ``PYTHONPATH`` of a Python without OpenTelemetry."""
    environment.install("pip")
    injected = tmp_path / "injected"
    command = [
        "python",
        "-m",
        "pip",
        "install",
        "-q",
        "--find-links",
        str(environment.wheels),
        "--target",
        str(injected),
    ]
    done = environment.run(*command, "distrokit[otlp]", "opentelemetry-instrumentation-logging")
    assert done.returncode == 0, done.stderr
    env = {
        "PYTHONPATH": f"{injected}/opentelemetry/instrumentation/auto_instrumentation{os.pathsep}{injected}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_PYTHON_DISTRO": "distrokit",
    }
    path = program(environment, "import logging; logging.getLogger('app').warning('hello')\n" + PROGRAM)

    result = environment.run("python", str(path), env=env)
    looked = environment.run("python", "-m", "distrokit", "doctor", "--offline", "--", "python", str(path), env=env)

    assert not {name for name in environment.installed() if name != "pip"}
    assert (result.stdout, result.stderr, result.returncode) == ("baz\n", "hello\n", 0)
    assert {span.name for span in receiver.store.spans()} == {"foo", "bar"}
    assert [log.body for log in receiver.store.logs()] == ["hello"]
    assert receiver.store.spans()[0].resource["telemetry.distro.name"] == "distrokit"
    assert "belong together" in looked.stdout


#: What the four examples of docs/instrumentations.md are about; and one that is not on the list there.
WISHED = ("django", "fastapi", "sqlalchemy", "requests")
SITE = """
    from django.http import HttpResponse
    from django.urls import path

    SECRET_KEY, DEBUG, ALLOWED_HOSTS, ROOT_URLCONF = "s", False, ["*"], "site_settings"
    urlpatterns = [path("", lambda request: HttpResponse("ok"))]
"""
SHOP = """
    import asyncio
    import django, fastapi, requests, sqlalchemy
    from django.test import Client

    django.setup()
    Client().get("/", headers={"X-Tenant": "acme"})

    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1;"))

    app = fastapi.FastAPI()
    app.get("/orders")(lambda: "ok")
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": "/orders", "raw_path": b"/orders",
             "query_string": b"", "headers": [], "scheme": "http", "server": ("h", 80), "client": ("c", 1)}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        pass

    asyncio.run(app(scope, receive, send))
    print("requests instrumented:", hasattr(requests.Session.send, "__wrapped__"))
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory, wheels) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("shop") / "venv", wheels)
    # With the extra come libraries of a version that the instrumentation is for.
    wished = [f"opentelemetry-instrumentation-{name}[instruments]" for name in WISHED]
    environment.install("distrokit[otlp,yaml]", *wished)
    return environment


def wishes() -> dict[str, list[str]]:
    """The blocks of the page, by language; each of at most five lines."""
    page = (ROOT / "docs/instrumentations.md").read_text().partition("## Four examples")[2]
    found: dict[str, list[str]] = {}
    for language, block in re.findall(r"```(\w+)\n(.*?)```", page, re.DOTALL):
        assert len([line for line in block.splitlines() if line.strip()]) <= 5, block
        found.setdefault(language, []).append(block)
    assert {language: len(blocks) for language, blocks in found.items()} == {"python": 5, "sh": 4, "yaml": 4}
    return found


@pytest.mark.parametrize("way", ["environment", "file", "plugin"])
def test_the_four_wishes_of_the_page_with_the_real_packages(way, shop, receiver, tmp_path):
    """contrib#1020, #1687, #1828 and #3992, word for word as docs/instrumentations.md has them."""
    yaml = pytest.importorskip("yaml")
    blocks = wishes()
    hooks, *plugins = blocks["python"]
    (tmp_path / "acme_hooks.py").write_text(hooks)
    (tmp_path / "site_settings.py").write_text(dedent(SITE))
    env = {
        "PYTHONPATH": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "site_settings",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    if way == "environment":
        env |= dict(pair.split("=", 1) for block in blocks["sh"] for pair in shlex.split(block))
    elif way == "file":
        model: dict[str, Any] = {"file_format": "1.0", "instrumentation/development": {"python": {}}}
        exporter = {"otlp_http": {"endpoint": receiver.endpoint("http/protobuf") + "/v1/traces"}}
        model["tracer_provider"] = {"processors": [{"batch": {"exporter": exporter}}]}
        for block in map(yaml.safe_load, blocks["yaml"]):
            node = block.pop("instrumentation/development", {"python": {}})
            model["instrumentation/development"]["python"] |= node["python"]
            model |= block
        (tmp_path / "otel.yaml").write_text(yaml.safe_dump(model))
        env["OTEL_CONFIG_FILE"] = str(tmp_path / "otel.yaml")
    else:
        for number, block in enumerate(plugins):
            write_plugin(tmp_path, f"wish{number}", block)

    result = shop.run("opentelemetry-instrument", "python", str(program(shop, SHOP)), env=env)

    assert (result.stdout, said(result)) == ("requests instrumented: False\n", []), result.stderr
    by_scope: dict[str, list[Any]] = {}
    for span in receiver.store.spans():
        by_scope.setdefault(span.scope.name.rpartition(".")[2], []).append(span)
    assert [span.attributes["tenant"] for span in by_scope["django"]] == ["acme"]
    assert [span.name for span in by_scope["fastapi"]] == ["GET /orders"]
    statements = [
        text for span in by_scope["sqlalchemy"] for key, text in span.attributes.items() if "statement" in key
    ]
    (statement,) = statements
    assert "/*" in statement
    assert "traceparent=" in statement
    assert "db_driver" not in statement


def test_the_example_distros_are_packages_that_install(environment):
    environment.install("distrokit[otlp]", *(str(Example(name).folder) for name in examples()))

    for name in examples():
        result = environment.run("distrokit", "explain", "--json", env={"OTEL_PYTHON_DISTRO": f"{name}-example"})
        plan = json.loads(result.stdout)
        # What it misses, without its vendor's settings, it says itself.
        problems = [problem for problem in plan["problems"] if not problem["code"].startswith(f"{name}-")]
        assert (plan["distro"]["name"], problems) == (f"{name}-example", [])
        assert [p["version"] for p in plan["plugins"] if p["name"] == f"{name}-example"] == [
            Example(name).distro.version
        ]
