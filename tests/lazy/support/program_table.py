"""The programs, and what each of them must show; and the differences between the two modes that are meant to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UPSTREAM = "opentelemetry-instrument"


@dataclass(frozen=True)
class Program:
    """A file in ``programs/``.

    Attributes:
        shows: texts that occur in the lines of the telemetry (``telemetry_lines``) when everything is applied at the start.
        launcher: the command that starts it.
        arguments: of Python; ``{path}`` and ``{folder}`` are the file's, in ``env`` as well.
    """

    name: str
    shows: tuple[str, ...] = ()
    launcher: str = "distrokit"
    arguments: tuple[str, ...] = ("{path}",)
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """A part of a program's outcome that is not the same in both modes, by design or because it is better so.

    ``eager`` and ``default`` have one text for each line that only this mode has, sorted; the text is contained in the line.
    """

    program: str
    part: str
    eager: tuple[str, ...]
    default: tuple[str, ...]
    why: str

    def fits(self, eager: list[str], default: list[str]) -> bool:
        """These are the lines."""
        pairs = (self.eager, eager), (self.default, default)
        return all(
            len(texts) == len(lines) and all(text in line for text, line in zip(texts, lines, strict=True))
            for texts, lines in pairs
        )


DIFFERENCES = [
    Difference(
        "gevent_patched",
        "stderr",
        ("  monkey.patch_all()", "MonkeyPatchWarning: Monkey-patching ssl after ssl has already been imported"),
        (),
        "Better: no library has imported ssl before the program patches it.",
    ),
    Difference(
        "import_blocked",
        "stdout",
        (),
        ("ModuleNotFoundError",),
        "Better: the import fails as without telemetry; at the start the library was imported before it was blocked.",
    ),
    Difference(
        "import_shadowed",
        "stdout",
        ("the library",),
        ("the program",),
        "Better: the program gets its own module; at the start the library of that name was imported before.",
    ),
    Difference(
        "import_shadowed",
        "stderr",
        (),
        ("distrokit: instrumentation redis",),
        "Louder: the instrumentation does not fit the program's module, and a line says so.",
    ),
]

#: Those whose mechanisms differ. CI runs them; ``LAZY_PROGRAMS=all`` runs all.
SAMPLE = {
    "atexit_first_import",
    "django_manage",
    "fastapi_app",
    "gevent_patched",
    "grpc_unary",
    "import_reloaded",
    "import_same_in_threads",
    "logging_plain",
    "multiprocessing_fork",
    "several_libraries",
    "threading_context",
    "uninstrument_in_code",
}

PROGRAMS = [
    # Servers.
    Program("aiohttp_app", ("aiohttp_client", "aiohttp_server")),
    Program("asgi_raw", ("SERVER 'GET /shop' of opentelemetry.instrumentation.asgi in 'GET'",)),
    Program("django_asgi", ("SERVER 'GET quick/' of opentelemetry.instrumentation.django",)),
    Program("django_configure", ("instrumentation.django", "instrumentation.sqlite3 in 'GET'")),
    Program("django_manage", ("instrumentation.django in 'GET'", "instrumentation.sqlite3 in 'GET'")),
    Program("falcon_app", ("instrumentation.falcon in 'GET'",), UPSTREAM),
    Program("fastapi_app", ("instrumentation.fastapi in 'GET'", "'item 7' of shop in a trace")),
    Program("fastapi_instrument_app", ("instrumentation.fastapi",)),
    Program("fastapi_subclass"),
    Program("flask_app", ("instrumentation.flask in 'GET'",), UPSTREAM),
    Program("flask_cli", arguments=("-m", "flask", "--app", "{path}", "routes")),
    Program("flask_instrument_app", ("instrumentation.flask",)),
    Program("flask_subclass", ("instrumentation.flask", "'Exception on /broken [GET]' of flask_subclass in a trace")),
    Program("pyramid_app", ("SERVER '/hello/{name}' of opentelemetry.instrumentation.pyramid",)),
    Program("starlette_app", ("instrumentation.starlette",)),
    Program("tornado_app", ("instrumentation.tornado in 'GET'",)),
    Program("wsgi_raw", ("instrumentation.wsgi in 'GET'",)),
    # Clients.
    Program("boto3_client", ("instrumentation.botocore.dynamodb", "instrumentation.boto3sqs")),
    Program("celery_eager", ("instrumentation.celery",)),
    Program("celery_worker", ("instrumentation.celery in 'apply_async/shop.add'", "'adding' of shop in a trace")),
    Program("click_command", ("instrumentation.click",)),
    Program("grpc_aio", ("instrumentation.grpc in '/shop.Text/Reverse'",)),
    Program("grpc_unary", ("instrumentation.grpc in '/shop.Text/Fail'",)),
    Program("httpx_client", ("CLIENT 'POST' of opentelemetry.instrumentation.httpx",)),
    Program("jinja2_template", ("instrumentation.jinja2 in 'jinja2.load'",)),
    Program("psycopg_client", ("instrumentation.psycopg",)),
    Program("pymongo_client", ("'shop.find' of opentelemetry.instrumentation.pymongo",)),
    Program("redis_client", ("'SET GET' of opentelemetry.instrumentation.redis",)),
    Program("requests_client", ("instrumentation.requests in 'order'",)),
    Program("sqlalchemy_engine", ("instrumentation.sqlalchemy", "instrumentation.sqlite3 in 'connect'")),
    Program("sqlite3_database", ("instrumentation.sqlite3",)),
    Program("urllib3_client", ("instrumentation.urllib3",), UPSTREAM),
    Program("urllib_client", ("'PUT' of opentelemetry.instrumentation.urllib",)),
    Program("several_libraries", ("instrumentation.requests in 'GET /'", "instrumentation.sqlalchemy in 'GET /'")),
    # Log records.
    Program("logging_basic_config", ("'inside' of shop in a trace",), UPSTREAM),
    Program(
        "logging_correlation",
        ("'inside' of shop in a trace",),
        env={"OTEL_PYTHON_LOG_CORRELATION": "true", "OTEL_PYTHON_LOG_FORMAT": "%(otelServiceName)s %(message)s"},
    ),
    Program("logging_dict_config", ("'before the configuration' of early", "'after basicConfig by force'")),
    Program("logging_exc_info", ("[exception.message exception.stacktrace exception.type]",)),
    Program("logging_first_in_thread", ("'from a thread' of shop in a trace",)),
    Program("logging_own_classes", ("NOTICE 'noticed'", "'adapted' of shop in no trace, [tenant]")),
    Program("logging_plain", ("'by a logger: 1' of shop", "'by the module' of root")),
    Program("logging_queue", ("'through the queue'", "py.warnings")),
    Program("logging_record_factory", ("'made by the factory' of shop in no trace, [tenant]",)),
    Program("structlog_stdlib", ('"event": "logged"',)),
    # Threads, tasks, processes.
    Program(
        "asyncio_only", ("instrumentation.asyncio",), env={"OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE": "traced"}
    ),
    Program("asyncio_tasks", ("'block' of shop in 'order'",)),
    Program("gevent_patched", ("instrumentation.requests",)),
    Program("multiprocessing_fork", ("'child' of shop in 'parent'", "instrumentation.sqlite3 in 'child'")),
    Program("multiprocessing_forkserver", ("instrumentation.sqlite3 in 'child'",), UPSTREAM),
    Program("multiprocessing_spawn", ("instrumentation.sqlite3 in 'child'",)),
    Program("os_exec", ("instrumentation.sqlite3",)),
    Program("os_fork", ("instrumentation.jinja2",)),
    Program("subprocess_child", ("instrumentation.sqlite3",)),
    Program("thread_after_main", ("instrumentation.sqlite3",)),
    Program("threading_context", ("'timer' of shop in 'order'", "'mapped' of shop in 'order'")),
    Program("threading_early_names", ("'worker' of shop",)),
    # Imports.
    Program("import_again", ("instrumentation.jinja2",)),
    Program("import_blocked", ("instrumentation.jinja2",)),
    Program("import_conditional", ("instrumentation.jinja2",), UPSTREAM),
    Program("import_in_function", ("instrumentation.jinja2",)),
    Program("import_in_signal_handler", ("instrumentation.sqlite3",)),
    Program("import_in_threads", ("instrumentation.flask", "instrumentation.sqlalchemy")),
    Program("import_late", ("instrumentation.jinja2 in 'order'", "instrumentation.sqlite3 in 'order'")),
    Program("import_lazy_loader", ("instrumentation.jinja2",)),
    Program("import_missing", ("instrumentation.jinja2",)),
    Program("import_reloaded", ("instrumentation.requests", "instrumentation.urllib3", "instrumentation.sqlite3")),
    Program("import_retried", ("instrumentation.jinja2",)),
    Program("import_same_in_threads", ("instrumentation.sqlalchemy",)),
    Program("import_shadowed"),
    Program("import_unused"),
    Program("import_watched", ("instrumentation.jinja2",)),
    Program("imports_nothing"),
    Program("mock_patched", ("instrumentation.requests",)),
    # OpenTelemetry in the code.
    Program("instrument_in_code", ("instrumentation.jinja2",)),
    Program("manual_signals", ("'inner' of shop in 'outer', ERROR", "shop: size", "{'order': 7}")),
    Program("propagate_baggage"),
    Program("provider_in_code", ("instrumentation.sqlite3",)),
    Program("suppressed", ("instrumentation.sqlite3", "instrumentation.urllib3")),
    Program("uninstrument_in_code"),
    # Beginnings and ends.
    Program("atexit_first_import", ("instrumentation.urllib3",)),
    Program("atexit_first_span", ("'last' of shop",)),
    Program(
        "module_run",
        ("instrumentation.sqlite3",),
        arguments=("-m", "module_run", "first"),
        env={"PYTHONPATH": "{folder}"},
    ),
    Program("sigterm", ("'order' of shop",)),
    Program("stdin_reader"),
    Program("sys_exit", ("'order' of shop",), UPSTREAM),
    Program("uncaught_elsewhere", ("'in a task' of opentelemetry.instrumentation.exceptions",)),
    Program("uncaught_exception", ("FATAL 'out of stock' of opentelemetry.instrumentation.exceptions",)),
    Program("uncaught_plain", ("FATAL 'no such order' of opentelemetry.instrumentation.exceptions",)),
]
