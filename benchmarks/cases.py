"""Which programs are measured, and what telemetry has to arrive from each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Stand for folders in a case's environment.
DJANGO_SITE, SYSTEM_METRICS = "{django_site}", "{system_metrics}"


@dataclass(frozen=True)
class Expected:
    """Names that have to be among what arrives, each after the last part of its instrumentation scope.

    Attributes:
        nothing: true if nothing at all may arrive.
    """

    spans: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    nothing: bool = False


@dataclass(frozen=True)
class Case:
    """A program under measurement.

    Attributes:
        name: for ``--only``.
        title: for the table.
        arguments: what follows ``python``; a file is one of the folder ``programs``.
        fifty: true with fifty instrumentations, false with none.
        output: what the program has to print; ``None`` if the driver reads it.
        environ: more environment variables.
        children: the program measures its child processes itself.
    """

    name: str
    title: str
    arguments: tuple[str, ...]
    fifty: bool = True
    expected: Expected = Expected()
    output: str | None = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    children: bool = False


PASS = ("-c", "pass")
CASES = (
    Case("pass-50", "python -c pass, 50 instrumentations", PASS),
    Case("pass-none", "python -c pass, no instrumentation", PASS, fifty=False),
    Case(
        "system-metrics",
        "python -c pass, 50 and system_metrics",
        PASS,
        expected=Expected(metrics=("system_metrics: system.cpu.time",)),
        environ={"PYTHONPATH": SYSTEM_METRICS},
    ),
    Case(
        "disabled",
        "python -c pass, 50, OTEL_SDK_DISABLED=true",
        PASS,
        expected=Expected(nothing=True),
        environ={"OTEL_SDK_DISABLED": "true"},
    ),
    Case(
        "command-line",
        "command-line tool, 50",
        ("command_line.py", "--indent", "1", "one", "seven"),
        output='{\n "one": 3,\n "seven": 5\n}\n',
    ),
    Case(
        "flask",
        "Flask, requests, SQLAlchemy, logging: 1 request",
        ("web_flask.py",),
        expected=Expected(
            spans=("flask: GET /items/<int:number>", "requests: GET", "sqlalchemy: SELECT"),
            metrics=("flask: http.server.duration", "requests: http.client.duration"),
            logs=("benchmark: item 7 was read",),
        ),
        output="200 7\n",
    ),
    Case(
        "fastapi",
        "FastAPI: 1 request",
        ("web_fastapi.py",),
        expected=Expected(spans=("fastapi: GET /items/{number}",), metrics=("fastapi: http.server.duration",)),
        output="200 7\n",
    ),
    Case(
        "django",
        "Django: 1 request",
        ("web_django.py",),
        expected=Expected(spans=("django: GET items/<int:number>/",), metrics=("django: http.server.duration",)),
        output="200 7\n",
        # Set from outside: upstream configures Django before the program can set it.
        environ={"PYTHONPATH": DJANGO_SITE, "DJANGO_SETTINGS_MODULE": "benchmark_settings"},
    ),
    Case(
        "manual",
        "1 span and 1 counter by hand, no instrumentation",
        ("manual.py",),
        fifty=False,
        expected=Expected(spans=("benchmark: benchmark.span",), metrics=("benchmark: benchmark.counter",)),
    ),
    Case("children", "child process python -c pass, 50", ("children.py",), output=None, children=True),
)
