"""An application's own parts of OpenTelemetry, wherever they are, are the ones that it imports."""

from __future__ import annotations

import os
import sys
import zipapp
from textwrap import dedent

import pytest
from attaching import attached, build
from interpreters import Environment

PROGRAM = """
from opentelemetry import trace
import opentelemetry.sdk.version as version
with trace.get_tracer("shop").start_as_current_span("checkout"):
    print(version.__version__)
"""


DOCTOR = ["-m", "distrokit", "doctor", "--offline"]


def bare():
    return os.path.realpath(sys.executable)


@pytest.fixture(scope="module")
def beside(tmp_path_factory, wheels):
    """A folder with an SDK of the supported range, as applications bring it."""
    made = Environment(tmp_path_factory.mktemp("env") / "venv", wheels)
    folder = tmp_path_factory.mktemp("application")
    made.install("opentelemetry-sdk~=1.44.0", options=["--target", str(folder)])
    (folder / "app.py").write_text(PROGRAM)
    (folder / "__main__.py").write_text(PROGRAM)
    return folder


@pytest.mark.parametrize("way", ["script", "-m", "-c", "folder", "archive"])
def test_an_sdk_beside_the_program(folder, receiver, beside, tmp_path, way):
    zipapp.create_archive(beside, tmp_path / "app.pyz")
    words = {
        "script": [str(beside / "app.py")],
        "-m": ["-m", "app"],
        "-c": ["-c", "import app"],
        "folder": [str(beside)],
        "archive": [str(tmp_path / "app.pyz")],
    }[way]

    ran = attached(bare(), words, folder, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}, cwd=beside)

    assert (ran.stdout, ran.stderr) == ("1.44.0\n", "")
    assert [span.resource["telemetry.sdk.version"] for span in receiver.store.spans()] == ["1.44.0"]


def test_an_sdk_beside_the_program_that_starts_at_once(folder, receiver, beside):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "DISTROKIT_LAZY": "0"}

    ran = attached(bare(), [str(beside / "app.py")], folder, env)

    assert (ran.stdout, ran.stderr, len(receiver.store.spans())) == ("1.44.0\n", "", 1)


def test_semantic_conventions_of_another_release_stay(folder, tmp_path, wheels):
    made = Environment(tmp_path / "venv", wheels)
    made.install("opentelemetry-api==1.20.0", "opentelemetry-semantic-conventions==0.41b0", "flask")
    program = dedent("""
        from opentelemetry.semconv.trace import SpanAttributes
        from opentelemetry import trace
        import flask, opentelemetry.semconv
        print(SpanAttributes.NET_HOST_CARRIER_ICC, SpanAttributes.MESSAGING_MESSAGE_ID, opentelemetry.semconv.__file__)
        print(trace.__file__)
    """)

    alone, ran = (attached(made.bin / "python", ["-c", program], where) for where in (None, folder))

    (before, api), (now, api_of_the_folder) = alone.stdout.splitlines(), ran.stdout.splitlines()
    assert now == before
    assert (api.startswith(str(folder)), api_of_the_folder.startswith(str(folder))) == (False, True)


def test_instrumentations_of_the_folder_work_with_every_supported_sdk(folder, receiver, tmp_path, wheels):
    made = Environment(tmp_path / "venv", wheels)
    made.install("opentelemetry-sdk==1.43.0", "flask")
    program = dedent("""
        import flask, opentelemetry.sdk.version as version
        app = flask.Flask("shop")
        app.add_url_rule("/", view_func=lambda: version.__version__)
        print(app.test_client().get("/").text)
    """)
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    ran = attached(made.bin / "python", ["-c", program], folder, env)

    assert (ran.stdout, ran.stderr) == ("1.43.0\n", "")
    assert [span.name for span in receiver.store.spans()] == ["GET /"]


@pytest.mark.parametrize("is_late", [False, True])
def test_instrumentations_of_the_folder_need_their_own_base(folder, receiver, tmp_path, wheels, is_late):
    made = Environment(tmp_path / "venv", wheels)
    made.install("opentelemetry-sdk==1.43.0", "opentelemetry-instrumentation==0.64b0", "flask")
    site = next(made.folder.glob("lib/python*/site-packages"))
    python, late = (
        (bare(), f"import sys; sys.path.insert(0, {str(site)!r})\n") if is_late else (made.bin / "python", "")
    )
    program = late + dedent("""
        import flask
        app = flask.Flask("shop")
        app.add_url_rule("/", view_func=lambda: "hi")
        print(app.test_client().get("/").text)
        from opentelemetry import trace
        trace.get_tracer("shop").start_span("own").end()
    """)
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}

    ran = attached(python, ["-c", program], folder, env)

    assert (ran.stdout, ran.stderr) == ("hi\n", "")
    assert [span.name for span in receiver.store.spans()] == ["own"]


@pytest.mark.parametrize(("release", "base", "spans"), [("1.45.0", "0.66b0", ["checkout"]), ("1.44.0", "0.65b0", [])])
def test_a_later_api_stays_and_the_folders_sdk_needs_its_minor_release(
    receiver, tmp_path, wheels, release, base, spans
):
    own = (f"opentelemetry-sdk=={release}", f"opentelemetry-instrumentation=={base}")
    words = ["--target", str(tmp_path / "otel"), "--python", sys.executable, "distrokit-otlp", "distrokit-batch", *own]
    built = build(*words, wheels=wheels)
    assert built.returncode == 0, built.stderr
    made = Environment(tmp_path / "venv", wheels)
    made.install("opentelemetry-api==1.45.1")
    site = next(made.folder.glob("lib/python*/site-packages"))
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    python = made.bin / "python"
    program = PROGRAM.replace("import opentelemetry.sdk.version as version", "import opentelemetry.version as version")

    ran = attached(python, ["-c", f"{program}print(trace.__file__)"], tmp_path / "otel", env)
    asked = attached(
        sys.executable, [*DOCTOR, "--attached", str(tmp_path / "otel"), "--", str(python), "-c", "1"], None
    )

    assert ran.stdout == f"1.45.1\n{site}/opentelemetry/trace/__init__.py\n"
    assert [span.name for span in receiver.store.spans()] == spans
    if spans:
        assert ran.stderr == ""
        assert "ok    attached: distrokit 0.1.0 runs from" in asked.stdout
        assert "FAIL" not in asked.stdout
    else:
        (line,) = ran.stderr.splitlines()
        assert "opentelemetry-api 1.45.1, which is later than the folder's 1.44.0" in line
        assert "Build the folder with opentelemetry-sdk 1.45.1" in line
        assert "→ Build the folder with opentelemetry-sdk 1.45.1" in asked.stdout


def test_an_editable_sdk_counts(folder, tmp_path, wheels):
    made = Environment(tmp_path / "venv", wheels)
    made.install("opentelemetry-sdk==1.30.0")
    site = next(made.folder.glob("lib/python*/site-packages"))
    moved = tmp_path / "source"
    moved.mkdir()
    (site / "opentelemetry").rename(moved / "opentelemetry")
    # As setuptools installs a project in editable mode: a finder with a table.
    (site / "editable_finder.py").write_text(
        dedent(f"""
        import sys
        from importlib.machinery import PathFinder
        class Finder:
            def find_spec(self, name, path=None, target=None):
                return PathFinder.find_spec(name, [{str(moved)!r}]) if name == "opentelemetry" else None
        sys.meta_path.append(Finder())
        """)
    )
    (site / "editable.pth").write_text("import editable_finder\n")

    ran = attached(made.bin / "python", ["-c", "import opentelemetry.version as v; print(v.__version__)"], folder)

    assert ran.stdout == "1.30.0\n"
    assert "the application has opentelemetry-sdk 1.30.0; this folder works with" in ran.stderr


def test_a_folder_named_bin_is_the_applications(folder, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "tool.py").write_text("print('my tool')\n")

    ran = attached(bare(), ["-c", "import bin.tool"], folder, cwd=tmp_path)

    assert (ran.stdout, ran.stderr) == ("my tool\n", "")
    assert not (folder / "distrokit-attached" / "bin").exists()


def test_the_namespace_package_is_one_as_without_the_folder(folder, tmp_path, wheels):
    made = Environment(tmp_path / "venv", wheels)
    made.install("opentelemetry-api==1.44.0")
    site = next(made.folder.glob("lib/python*/site-packages"))
    program = dedent(f"""
        import importlib, importlib.metadata, importlib.resources, inspect, opentelemetry, os, pkgutil
        print(opentelemetry.__file__, inspect.ismodule(opentelemetry), opentelemetry.__spec__.origin)
        print(sorted(e.name for e in importlib.resources.files("opentelemetry").iterdir() if e.name in ("trace", "context")))
        print({{"trace", "context"}} <= {{m.name for m in pkgutil.iter_modules(opentelemetry.__path__)}})
        os.makedirs({str(site / "opentelemetry" / "acme")!r})
        open({str(site / "opentelemetry" / "acme" / "__init__.py")!r}, "w").close()
        importlib.invalidate_caches()
        import opentelemetry.acme
        print(importlib.metadata.version("opentelemetry.api") != "")
    """)

    ran = attached(made.bin / "python", ["-c", program], folder)

    assert (ran.stdout, ran.stderr) == ("None True None\n['context', 'trace']\nTrue\nTrue\n", "")


def test_the_doctor_of_an_application_with_its_own_distrokit(folder):
    words = [*DOCTOR, "--attached", str(folder), "--", sys.executable, "-c", "1"]

    ran = attached(sys.executable, words, None)

    assert "ok    attached: the application has its own distrokit, which starts; the folder does nothing" in ran.stdout
