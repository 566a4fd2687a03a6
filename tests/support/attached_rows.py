"""The table of applications that a folder is attached to, for ``test_applications``."""

from __future__ import annotations

import attached_programs as programs
import attached_service_programs as services
from attached_applications import Application

_OF_2021 = ("urllib3==1.26.18", "chardet==4.0.0", "idna==2.10", "certifi==2020.12.5")
_OLD_SDK = (
    "{folder}: the application has opentelemetry-sdk 1.30.0; this folder works with opentelemetry-sdk>=1.43,<2;"
    " the application runs without distrokit. Install opentelemetry-sdk>=1.43,<2, or set DISTROKIT_ATTACH=0."
)
#: `distutils`, `cgi` and other modules of the standard library that old packages import are gone later.
_OLD = ("3.10", "3.11")
_OFF_DDTRACE = {
    "DD_TRACE_ENABLED": "false",
    "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    "DD_CRASHTRACKING_ENABLED": "false",
}
_OFF_NEWRELIC = {"NEW_RELIC_DEVELOPER_MODE": "true", "NEW_RELIC_LICENSE_KEY": "0" * 40, "NEW_RELIC_APP_NAME": "shop"}

APPLICATIONS = [
    Application("requests-2.25", (*_OF_2021, "requests==2.25.1"), programs.REQUESTS, spans=("GET",)),
    Application("requests-2.28", (*_OF_2021, "requests==2.28.2"), programs.REQUESTS, spans=("GET",)),
    Application("botocore-1.20", (*_OF_2021, "botocore==1.20.112"), programs.BOTOCORE, _OLD, spans=("S3.PutObject",)),
    Application(
        "protobuf-3.20",
        ("protobuf==3.20.3",),
        programs.PROTOBUF,
        generator=("grpcio-tools==1.48.2", "protobuf==3.20.3", "setuptools<80"),
    ),
    Application(
        "protobuf-7", ("protobuf>=7,<8",), programs.PROTOBUF, generator=("grpcio-tools>=1.80", "protobuf>=7,<8")
    ),
    Application(
        "grpcio-1.48",
        ("grpcio==1.48.2", "protobuf==3.20.3"),
        programs.GRPC,
        ("3.10",),
        spans=("/shop.Shop/Buy",) * 2,
        generator=("grpcio-tools==1.48.2", "protobuf==3.20.3", "setuptools<80"),
    ),
    Application(
        "grpcio",
        ("grpcio>=1.80", "protobuf>=7,<8"),
        programs.GRPC,
        spans=("/shop.Shop/Buy",) * 2,
        generator=("grpcio-tools>=1.80", "protobuf>=7,<8"),
    ),
    Application("typing_extensions-3.7", ("typing_extensions==3.7.4.3",), programs.TYPING_EXTENSIONS),
    Application("packaging-20", ("packaging==20.9", "pyparsing==2.4.7"), programs.PACKAGING, _OLD),
    Application("wrapt-1.14", ("wrapt==1.14.1",), programs.WRAPT, _OLD),
    Application("wrapt-1.16", ("wrapt==1.16.0",), programs.WRAPT),
    Application("pytest-6", ("pytest==6.2.5", "pluggy==0.13.1", "pytest-mock==3.6.1"), programs.PYTEST),
    Application("h2-3", ("h2==3.2.0", "hpack==3.0.0", "hyperframe==5.2.0"), programs.H2),
    Application(
        "django-3.1",
        ("django==3.1.14", "asgiref==3.2.10"),
        programs.DJANGO,
        _OLD,
        spans=("GET bar/", "GET shop/"),
        points=("http.server.duration",),
    ),
    Application(
        "django-3.2", ("django==3.2.25", "asgiref==3.3.4"), programs.DJANGO, _OLD, spans=("GET bar/", "GET shop/")
    ),
    Application("importlib-metadata-4", ("importlib-metadata==4.13.0",), programs.IMPORTLIB_METADATA),
    Application("opentelemetry-api-1.20", ("opentelemetry-api==1.20.0",), services.API, spans=("checkout",)),
    Application("opentelemetry-sdk-1.30", ("opentelemetry-sdk==1.30.0",), services.SDK_OF_ITS_OWN, line=_OLD_SDK),
    Application(
        "opentelemetry-sdk-1.30-in-code",
        ("opentelemetry-sdk==1.30.0", "opentelemetry-exporter-otlp-proto-http==1.30.0"),
        services.SDK_IN_CODE,
        spans=("checkout",),
        alone=("checkout",),
        line=_OLD_SDK,
        protocol="http/protobuf",
    ),
    Application("opentelemetry-sdk-1.45", ("opentelemetry-sdk==1.45.1",), services.API, spans=("checkout",)),
    Application("opentelemetry-sdk-1.45-of-its-own", ("opentelemetry-sdk==1.45.1",), services.SDK_OF_ITS_OWN),
    Application(
        "opentelemetry-sdk-1.45-in-code",
        ("opentelemetry-sdk==1.45.1", "opentelemetry-exporter-otlp-proto-http==1.45.1"),
        services.SDK_IN_CODE,
        spans=("checkout",),
        alone=("checkout",),
        said="opentelemetry.trace: trace.set_tracer_provider() by __main__ changes nothing: the process keeps the provider"
        " that it has, and nothing is recorded for the other one. Add span processors to trace.get_tracer_provider()"
        " instead; or start the process without distrokit, if the other one shall configure it.\n",
        protocol="http/protobuf",
    ),
    Application(
        "opentelemetry-instrument",
        (
            "opentelemetry-distro==0.66b1",
            "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-instrumentation-requests",
            "requests==2.25.1",
        ),
        services.DISTRO,
        spans=("GET", "checkout"),
        alone=("GET", "checkout"),
        command=("{bin}/opentelemetry-instrument", "{python}", "{app}/app.py"),
        protocol="http/protobuf",
    ),
    Application("sentry-sdk", ("sentry-sdk==2.20.0", *_OF_2021, "requests==2.25.1"), programs.SENTRY, spans=("GET",)),
    Application("ddtrace", ("ddtrace", "requests==2.25.1"), programs.DDTRACE, spans=("GET",), env=_OFF_DDTRACE),
    Application(
        "ddtrace-run",
        ("ddtrace", "requests==2.25.1"),
        programs.DDTRACE,
        spans=("GET",),
        env=_OFF_DDTRACE,
        command=("{bin}/ddtrace-run", "{python}", "{app}/app.py"),
    ),
    Application("newrelic", ("newrelic", "requests==2.25.1"), programs.NEWRELIC, spans=("GET",), env=_OFF_NEWRELIC),
    Application(
        "newrelic-admin",
        ("newrelic", "requests==2.25.1"),
        programs.NEWRELIC,
        spans=("GET",),
        env=_OFF_NEWRELIC,
        command=("{bin}/newrelic-admin", "run-program", "{python}", "{app}/app.py"),
    ),
    Application(
        "pythonpath-and-sitecustomize",
        (*_OF_2021, "requests==2.25.1"),
        services.WITH_PYTHONPATH,
        spans=("GET",),
        env={"PYTHONPATH": "{app}/own"},
        files={"own/sitecustomize.py": services.OWN_SITECUSTOMIZE},
    ),
    Application(
        "gunicorn",
        ("gunicorn", "flask"),
        services.GUNICORN,
        spans=("GET /<what>",),
        files={"shop.py": services.FLASK},
    ),
    Application(
        "uvicorn",
        ("uvicorn", "fastapi"),
        services.UVICORN,
        spans=("GET /{what}", "GET /{what} http send", "GET /{what} http send"),
        files={"shop.py": services.FASTAPI},
    ),
    Application("celery-eager", ("celery",), services.CELERY_EAGER, spans=("run/sell",)),
    Application("celery-solo", ("celery",), services.CELERY_SOLO, spans=("apply_async/sell", "run/sell")),
    Application("spawn", (*_OF_2021, "requests==2.25.1"), services.SPAWN, spans=("GET", "GET")),
    Application(
        "zipapp",
        (),
        services.ZIPAPP,
        spans=("GET",),
        command=("{python}", "{app}/app.pyz"),
        bundled=(*_OF_2021, "requests==2.25.1"),
    ),
]
