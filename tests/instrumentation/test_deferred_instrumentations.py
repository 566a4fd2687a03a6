"""Instrumentations that need the application's own modules: applied when the application has them, and not before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from textwrap import dedent

import pytest
from answering import closed_port
from applications import Application
from commands import in_process
from distributions import write_distribution
from processes import BIN, LEAN, clean_environ, run, said

pytest.importorskip("django")

RUN, UPSTREAM = [str(BIN / "distrokit"), "run"], [str(BIN / "opentelemetry-instrument")]
SETTINGS = """
    SECRET_KEY, DEBUG, ALLOWED_HOSTS, ROOT_URLCONF = "x", False, ["*"], "shop.urls"
    INSTALLED_APPS = ["shop"]
    MIDDLEWARE = ("django.middleware.common.CommonMiddleware",)
    WSGI_APPLICATION = "shop.wsgi.application"
"""
FILES = {
    "shop/__init__.py": "",
    "shop/settings.py": SETTINGS,
    "shop/urls.py": """
        from django.http import HttpResponse
        from django.urls import path
        urlpatterns = [path("page/<int:n>", lambda request, n: HttpResponse("ok"))]
    """,
    "shop/wsgi.py": """
        import os
        from django.core.wsgi import get_wsgi_application
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
        application = get_wsgi_application()
    """,
    "shop/asgi.py": """
        from django.core.asgi import get_asgi_application
        application = get_asgi_application()
    """,
    "manage.py": """
        import os, sys
        from django.core.management import execute_from_command_line
        os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
        execute_from_command_line(sys.argv)
    """,
    # All in one file, as small ones are written.
    "one.py": """
        import sys
        from django.conf import settings
        from django.core.management import execute_from_command_line
        from shop import urls
        settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=urls)
        execute_from_command_line(sys.argv)
    """,
}
CHOSEN = {"DJANGO_SETTINGS_MODULE": "shop.settings"}
SERVERS = {
    "gunicorn": (["gunicorn", "shop.wsgi", "-b", "127.0.0.1:{port}", "--no-control-socket"], {}),
    "gunicorn, settings chosen": (["gunicorn", "shop.wsgi", "-b", "127.0.0.1:{port}", "--no-control-socket"], CHOSEN),
    "uvicorn": (["uvicorn", "shop.asgi:application", "--port", "{port}", "--log-level", "warning"], CHOSEN),
    "manage.py": (["python", "manage.py", "runserver", "127.0.0.1:{port}", "--noreload"], {}),
    "manage.py, reloading": (["python", "manage.py", "runserver", "127.0.0.1:{port}"], CHOSEN),
    "one file": (["python", "one.py", "runserver", "127.0.0.1:{port}", "--noreload"], {}),
}


@pytest.fixture
def project(tmp_path):
    """A folder with a project of Django's, which is on nobody's path."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(text))
    return tmp_path


def started(launcher, command, project, env):
    words = [str(BIN / command[0]), *command[1:]]
    process = subprocess.Popen(
        [*launcher, *words],
        env=clean_environ(
            {**LEAN, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_BSP_SCHEDULE_DELAY": "50", **env}
        ),
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return Application(process, project)


def answer(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/page/1", timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


WAYS = [
    *((name, RUN) for name in SERVERS),
    *((name, UPSTREAM) for name in ("gunicorn", "one file")),
]


@pytest.mark.parametrize(("name", "launcher"), WAYS, ids=[f"{name}, {way[0][-10:]}" for name, way in WAYS])
def test_a_page_of_django_is_served_and_has_one_span(project, receiver, name, launcher):
    command, env = SERVERS[name]
    port = closed_port()
    command = [word.format(port=port) for word in command]
    app = started(launcher, command, project, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http"), **env})
    try:
        status = []
        app.until(lambda: status.append(answer(port)) or status[-1], "answer", 30)
        # Django's reloader kills its child when it is told to stop.
        app.until(lambda: status[-1] != 200 or receiver.store.spans(), "span")
        os.killpg(app.process.pid, signal.SIGTERM)
        app.end(20)
    finally:
        if app.process.poll() is None:
            app.kill()

    assert status[-1] == 200, app.err
    assert app.said == []
    (span,) = receiver.store.spans()
    assert (span.kind, span.name) == ("server", "GET page/<int:n>")


ERROR = [
    ("shop.nowhere", SETTINGS, "No module named 'shop.nowhere'"),
    ("shop.settings", "import nothing_of_this_name", "No module named 'nothing_of_this_name'"),
    ("shop.settings", "raise RuntimeError('the settings are read')", "the settings are read"),
    ("", SETTINGS, "You must either define the environment variable DJANGO_SETTINGS_MODULE"),
]


@pytest.mark.parametrize(("module", "settings", "words"), ERROR)
def test_settings_that_cannot_be_read_are_djangos_own_error(project, module, settings, words):
    (project / "shop/settings.py").write_text(dedent(settings))
    (project / "app.py").write_text("import django; django.setup()")
    env = {**LEAN, "OTEL_TRACES_EXPORTER": "console", **({"DJANGO_SETTINGS_MODULE": module} if module else {})}
    command = [sys.executable, "app.py"]

    plain, ours = (run([*by, *command], env, cwd=project) for by in ((), RUN))

    assert words in plain.stderr.splitlines()[-1]
    assert ours.stderr.splitlines()[-1] == plain.stderr.splitlines()[-1]
    assert (ours.returncode, said(ours)) == (plain.returncode, [])


def in_code(program, project, env=None):
    quiet = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    (project / "app.py").write_text(dedent(program))
    return run([*RUN, sys.executable, "app.py"], {**LEAN, **quiet, **CHOSEN, **(env or {})}, cwd=project)


def test_django_is_not_imported_for_it_and_nothing_is_left_of_what_waited(project):
    program = """
        import sys
        assert not [name for name in sys.modules if name.partition(".")[0] == "django"]
        from django import setup
        import django, inspect, pkgutil
        assert "_Loader" not in (type(django.__loader__).__name__, type(django.__spec__.loader).__name__)
        waits = django.setup
        assert str(inspect.signature(waits)) == "(set_prefix=True)"
        setup(set_prefix=False)
        assert django.setup is not waits
        django.setup()
        from django.conf import settings
        print(settings.MIDDLEWARE)
    """
    result = in_code(program, project)

    assert result.stdout.count("opentelemetry") == 1, result.stderr
    assert result.stdout.startswith("['opentelemetry.instrumentation.django.")


def test_where_django_is_set_up_already_it_is_applied_at_once(project):
    (project / "app.py").write_text(
        dedent("""
        import django, distrokit
        django.setup()
        distrokit.start()
        from django.conf import settings
        print(settings.MIDDLEWARE[0])
    """)
    )
    env = {**LEAN, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    result = run([sys.executable, "app.py"], {**env, **CHOSEN}, cwd=project)

    assert result.stdout.startswith("opentelemetry.instrumentation.django."), result.stderr


def test_one_that_fails_when_it_is_applied_is_named_and_the_library_is_as_it_was(project):
    source = """
        from opentelemetry.instrumentation.django import DjangoInstrumentor

        class Half(DjangoInstrumentor):
            def _instrument(self, **kwargs):
                super()._instrument(**kwargs)
                raise ValueError("half of it is done")
    """
    (project / "half.py").write_text(dedent(source))
    variable = "DISTROKIT_INSTRUMENTATION_DJANGO_REPLACED_BY"
    program = """
        import django
        django.setup()
        from django.conf import settings
        print(list(settings.MIDDLEWARE))
    """
    result = in_code(program, project, {variable: "half:Half"})

    assert result.stdout == "['django.middleware.common.CommonMiddleware']\n"
    (line,) = said(result)
    assert "instrumentation django" in line
    assert "half of it is done" in line


def test_one_that_waits_does_so_with_the_settings_of_a_plugin(project):
    plugin = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {"OTEL_PYTHON_DJANGO_EXCLUDED_URLS": "page"}
    """
    (project / "mine.py").write_text(dedent(plugin))
    program = """
        import django, os
        django.setup()
        from opentelemetry.instrumentation.django.middleware.otel_middleware import _DjangoMiddleware
        print(_DjangoMiddleware._excluded_urls.url_disabled("http://h/page/1"), os.environ.get("OTEL_PYTHON_DJANGO_EXCLUDED_URLS"))
    """
    assert in_code(program, project, {"DISTROKIT_PLUGIN_FILES": "mine.py"}).stdout == "True page\n"


#: It begins as the one of AWS Lambda does.
LAMBDA = """
    import os
    from importlib import import_module
    from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
    from wrapt import wrap_function_wrapper

    class Lambda(BaseInstrumentor):
        def instrumentation_dependencies(self):
            return ()

        def _instrument(self, **kwargs):
            module, name = os.environ["_HANDLER"].replace("/", ".").rsplit(".", 1)
            wrap_function_wrapper(module, name, lambda call, instance, args, kwargs: f"traced {call(*args)}")

        def _uninstrument(self, **kwargs):
            pass
"""


@pytest.mark.parametrize("at_first", ["", "raise ImportError('not yet')"])
def test_the_handler_of_a_lambda_function_is_instrumented_when_its_module_is_there(tmp_path, at_first):
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers/app.py").write_text(f"print('imported')\n{at_first}\ndef handle(event): return event\n")
    points = {"opentelemetry_instrumentor": {"aws-lambda": "aws:Lambda"}}
    installed = write_distribution(tmp_path / "site", "aws-lambda", entry_points=points, modules={"aws": LAMBDA})
    program = """
        import importlib, pathlib
        print("runtime")
        try:
            importlib.import_module("handlers.app")
        except ImportError:
            pathlib.Path("handlers/app.py").write_text("def handle(event): return event")
        print(importlib.import_module("handlers.app").handle("event"))
    """
    env = {"AWS_LAMBDA_FUNCTION_NAME": "f", "_HANDLER": "handlers/app.handle", "PYTHONPATH": str(installed)}
    assert in_code(program, tmp_path, env).stdout == "runtime\nimported\ntraced event\n"


def test_the_plan_says_when_it_is_applied():
    text = in_process("explain").stdout
    assert "applied when django.setup() is called" in next(line for line in text.splitlines() if "-django " in line)
    assert "django (when django.setup() is called)" in in_process("doctor", "--offline").stdout


def test_the_line_that_says_what_runs_names_what_waits(project):
    program = "import django"
    env = {"OTEL_LOG_LEVEL": "info", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,requests,logging"}
    assert "no instrumentations, and django later; no problems" in in_code(program, project, env).stderr
