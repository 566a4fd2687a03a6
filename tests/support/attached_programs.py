"""Programs that use old libraries, for :mod:`attached_applications`: each prints what it got, and nothing that varies."""

from __future__ import annotations

#: Lies beside every program as ``loopback.py``: a server that answers every request.
LOOPBACK = """
import http.server, threading

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"<ok/>")

    do_POST = do_PUT = do_GET

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = "http://127.0.0.1:%d/" % server.server_port
"""

REQUESTS = """
import loopback, chardet, idna, requests
answer = requests.get(loopback.url + "shop")
print(answer.status_code, answer.text, chardet.detect(answer.content)["encoding"], idna.encode("b\\u00fccher.example"))
"""

BOTOCORE = """
import botocore.session, loopback
session = botocore.session.get_session()
client = session.create_client(
    "s3", region_name="eu-west-1", endpoint_url=loopback.url, aws_access_key_id="a", aws_secret_access_key="b"
)
print(client.put_object(Bucket="shop", Key="order", Body=b"tea")["ResponseMetadata"]["HTTPStatusCode"])
"""

#: ``shop_pb2`` is generated.
PROTOBUF = """
import google.protobuf, shop_pb2
from google.protobuf import any_pb2, json_format, timestamp_pb2
from google.protobuf.internal import api_implementation
order = shop_pb2.Order(name="tea", count=2)
order.at.FromSeconds(86400)
packed = any_pb2.Any()
packed.Pack(order)
again = shop_pb2.Order.FromString(order.SerializeToString())
print(again == order, packed.type_url, json_format.MessageToJson(again, indent=None, sort_keys=True))
print(google.protobuf.__version__, api_implementation.Type())
"""

GRPC = """
import grpc, shop_pb2, shop_pb2_grpc
from concurrent import futures

class Shop(shop_pb2_grpc.ShopServicer):
    def Buy(self, request, context):
        return shop_pb2.Order(name=request.name, count=request.count + 1)

server = grpc.server(futures.ThreadPoolExecutor(2))
shop_pb2_grpc.add_ShopServicer_to_server(Shop(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
with grpc.insecure_channel("127.0.0.1:%d" % port) as channel:
    print(shop_pb2_grpc.ShopStub(channel).Buy(shop_pb2.Order(name="tea", count=1), timeout=20).count)
server.stop(5).wait()
print(grpc.__version__)
"""

TYPING_EXTENSIONS = """
import typing_extensions
from typing_extensions import Literal, TypedDict, get_type_hints

class Order(TypedDict, total=False):
    name: str
    kind: Literal["tea", "coffee"]

print(get_type_hints(Order), hasattr(typing_extensions, "override"), hasattr(typing_extensions, "deprecated"))
"""

PACKAGING = """
import packaging, pyparsing
from packaging.requirements import Requirement
from packaging.version import LegacyVersion, parse
wanted = Requirement('tea[green]>=1,<2; python_version > "3"')
print(wanted, wanted.marker.evaluate(), isinstance(parse("not a version"), LegacyVersion))
print(packaging.__version__, pyparsing.__version__)
"""

WRAPT = """
import wrapt

@wrapt.decorator
def twice(wrapped, instance, arguments, keywords):
    return [wrapped(*arguments, **keywords) for _ in range(2)]

class Shop:
    @twice
    def sell(self, what):
        return what

print(Shop().sell("tea"), wrapt.__version__, issubclass(wrapt.FunctionWrapper, wrapt.ObjectProxy), wrapt.ObjectProxy([1]) == [1])
"""

PYTEST = """
import contextlib, io, os, pathlib, pluggy, pytest, sys

class Watching:
    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            said.append((report.nodeid, report.outcome))

    def pytest_sessionfinish(self, session):
        manager = session.config.pluginmanager
        said.append(sorted((d.project_name, d.version) for _, d in manager.list_plugin_distinfo()))
        said.append(sorted(str(name) for name, p in manager.list_name_plugin() if p and not str(name).isdigit()))

said = []
pathlib.Path("test_shop.py").write_text("def test_shop(mocker): assert mocker.Mock()() is not None")
with contextlib.redirect_stdout(io.StringIO()) as out:
    code = pytest.main(["-q", "-p", "no:cacheprovider", "test_shop.py"], plugins=[Watching()])
print(int(code), said, pluggy.__version__)
"""

H2 = """
import h2, hpack, hyperframe
from h2.config import H2Configuration
from h2.connection import H2Connection
client, server = H2Connection(), H2Connection(H2Configuration(client_side=False))
client.initiate_connection()
client.send_headers(1, [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "shop")], end_stream=True)
print([type(event).__name__ for event in server.receive_data(client.data_to_send())])
print(h2.__version__, hpack.__version__, hyperframe.__version__)
"""

DJANGO = """
import django
from django.conf import settings
settings.configure(
    ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="s", USE_TZ=True,
    LOGGING_CONFIG=None, MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
)
import asgiref.sync
from django.http import HttpResponse
from django.test import Client
from django.urls import path

def shop(request):
    return HttpResponse("tea")

async def bar(request):
    return HttpResponse("coffee")

urlpatterns = [path("shop/", shop), path("bar/", bar)]
django.setup()
print(Client().get("/shop/").content, Client().get("/bar/").content, django.__version__, asgiref.__version__)
"""

IMPORTLIB_METADATA = """
import importlib_metadata, zipp
OURS = "opentelemetry", "distrokit"
names = sorted(d.metadata["Name"] for d in importlib_metadata.distributions())
points = importlib_metadata.entry_points()
print(importlib_metadata.version("importlib-metadata"), [name for name in names if not name.startswith(OURS)])
print(sorted((p.group, p.name) for group in points.groups for p in points.select(group=group) if not p.value.startswith(OURS)))
"""

SENTRY = """
import loopback, requests, sentry_sdk
got = []

class Transport(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope):
        got.extend(item.type for item in envelope.items)

sentry_sdk.init("http://key@127.0.0.1:9/1", transport=Transport, traces_sample_rate=1.0, auto_session_tracking=False)
with sentry_sdk.start_transaction(name="checkout") as transaction:
    print(requests.get(loopback.url).status_code)
    print([span.op for span in transaction._span_recorder.spans])
try:
    1 / 0
except ZeroDivisionError:
    sentry_sdk.capture_exception()
print(got)
"""

DDTRACE = """
import ddtrace, loopback, requests
from ddtrace.trace import tracer
with tracer.trace("checkout") as span:
    print(requests.get(loopback.url).status_code, span.name)
print(ddtrace.__version__)
"""

#: The agent starts in a thread; it is waited for.
NEWRELIC = """
import loopback, newrelic.agent, requests, time
newrelic.agent.initialize()
application = newrelic.agent.register_application(timeout=10)
for _ in range(100):
    if not application.active:
        time.sleep(0.1)

@newrelic.agent.background_task()
def checkout():
    return requests.get(loopback.url).status_code, newrelic.agent.current_transaction().name

print(application.active, checkout(), newrelic.version)
"""
