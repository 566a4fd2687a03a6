"""requests asks a server on loopback, with and without a session, inside a span of the program."""

import _loopback
import requests
from opentelemetry import trace

with _loopback.http() as url, trace.get_tracer("shop").start_as_current_span("order"):
    print(requests.get(url, timeout=5).json())
    with requests.Session() as session:
        print(session.get(f"{url}/missing", timeout=5).status_code)
try:
    requests.get("http://127.0.0.1:9/", timeout=5)
except requests.ConnectionError as error:
    print(type(error).__name__)
