"""A WSGI application without a framework, in OpenTelemetry's middleware."""

import _loopback
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["PATH_INFO"].encode()]


with _loopback.wsgi(OpenTelemetryMiddleware(application)) as url:
    print(_loopback.fetch(f"{url}/shop"))
