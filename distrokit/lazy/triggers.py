"""The modules whose import applies an instrumentation."""

from __future__ import annotations

from distrokit.lazy.entry_point_files import modules_of, normalize, requirements_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: OpenTelemetry's group of instrumentations.
INSTRUMENTORS = "opentelemetry_instrumentor"

#: Entry-point group for the authors of instrumentations: the name is a module, the value is the one that the
#: instrumentation has in :data:`INSTRUMENTORS`.
AUTHORS = "distrokit.triggers"

#: Instrumentations whose triggers differ from what their metadata says, or that are so common that reading the metadata
#: of each would delay every start. An empty tuple: applied as soon as the process uses telemetry.
TABLE: dict[str, tuple[str, ...]] = {
    "aio-pika": ("aio_pika",),
    "aiobotocore": ("aiobotocore",),
    "aiohttp-client": ("aiohttp",),
    "aiohttp-server": ("aiohttp.web",),
    "aiokafka": ("aiokafka",),
    "aiopg": ("aiopg",),
    "anthropic": ("anthropic",),
    "asyncclick": ("asyncclick",),
    "asyncio": ("asyncio",),
    "asyncpg": ("asyncpg",),
    # It waits for the module of the function by itself.
    "aws-lambda": (),
    "boto": ("boto",),
    "boto3": ("boto3",),
    "botocore": ("botocore",),
    # The module selects its reactor when it is imported.
    "cassandra": ("cassandra.cluster",),
    # The package is imported before celery's command lets gevent or eventlet patch.
    "celery": ("celery.app",),
    "click": ("click",),
    "confluent_kafka": ("confluent_kafka",),
    "django": ("django",),
    "elasticsearch": ("elasticsearch",),
    "exceptions": (),
    "falcon": ("falcon",),
    "fastapi": ("fastapi",),
    "flask": ("flask",),
    # `google` is a namespace package.
    "google-genai": ("google.genai",),
    "grpc_aio_client": ("grpc",),
    "grpc_aio_server": ("grpc",),
    "grpc_client": ("grpc",),
    "grpc_server": ("grpc",),
    "httpx": ("httpx",),
    "httpx2": ("httpx2",),
    "jinja2": ("jinja2",),
    "kafka": ("kafka",),
    # It patches langchain_core, which works without langchain, and others.
    "langchain": ("langchain_core", "langchain", "langchain_community", "langchain_openai"),
    "logging": (),
    "mysql": ("mysql.connector",),
    "mysqlclient": ("MySQLdb",),
    "openai": ("openai",),
    "pika": ("pika",),
    "psycopg": ("psycopg",),
    "psycopg2": ("psycopg2",),
    "pymemcache": ("pymemcache",),
    "pymongo": ("pymongo",),
    "pymssql": ("pymssql",),
    "pymysql": ("pymysql",),
    "pyramid": ("pyramid",),
    "redis": ("redis",),
    "remoulade": ("remoulade",),
    "requests": ("requests",),
    "sqlalchemy": ("sqlalchemy",),
    "sqlite3": ("sqlite3",),
    "starlette": ("starlette",),
    "structlog": ("structlog",),
    "system_metrics": (),
    # Context passes into threads only where there is one, and a process without telemetry has none.
    "threading": (),
    # tenacity and others import the package and do not use these.
    "tornado": ("tornado.web", "tornado.httpclient"),
    # Its metadata names pydantic, too, which is not what it patches.
    "tortoiseorm": ("tortoise",),
    "urllib": ("urllib.request",),
    "urllib3": ("urllib3",),
    "vertexai": (
        "vertexai",
        "google.cloud.aiplatform",
        "google.cloud.aiplatform_v1",
        "google.cloud.aiplatform_v1beta1",
    ),
}

#: Instrumentations that must be applied at the start of the process, with the reason.
AT_START = {"system_metrics": "it measures the process from its start"}


def declared_triggers(points: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return the triggers by the value of the instrumentor's entry point.

    Args:
        points: name and value of the entry points in :data:`AUTHORS`.
    """
    found: dict[str, tuple[str, ...]] = {}
    for module, value in points:
        found[value] = (*found.get(value, ()), module)
    return found


def find_triggers(
    name: str, value: str, folder: str, folders: Mapping[str, str], declared: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    """Return the modules whose import applies an instrumentation.

    Args:
        name: its name, that of its entry point.
        value: the value of its entry point.
        folder: the ``dist-info`` folder of its distribution; empty if unknown.
        folders: those of all distributions, by normalized name.
        declared: see :func:`declared_triggers`.

    Returns:
        empty if it needs no library: it is applied as soon as the process uses telemetry. ``None`` if unknown: its
        distribution names no library, so it may do anything, and is applied at the start.
    """
    if value in declared:
        return declared[value]
    if name in TABLE:
        return TABLE[name]
    libraries = [library for library, marker in requirements_of(folder) if "instruments" in marker] if folder else []
    if not libraries:
        return None
    modules = [module for library in libraries if library in folders for module in modules_of(folders[library])]
    # A library that is not installed is never imported; its name stands for it in `distrokit explain`.
    return tuple(dict.fromkeys(modules)) or tuple(normalize(library).replace("-", "_") for library in libraries)
