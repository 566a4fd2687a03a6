"""An ASGI application without a framework, in OpenTelemetry's middleware."""

import _loopback
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"shop"})


with _loopback.asgi(OpenTelemetryMiddleware(application)) as url:
    print(_loopback.fetch(f"{url}/shop"))
