"""Programs with OpenTelemetry, servers and workers, for :mod:`attached_applications`: each prints what it got."""

from __future__ import annotations

API = """
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode

with trace.get_tracer("shop").start_as_current_span("checkout") as span:
    span.set_status(Status(StatusCode.OK))
    span.add_event("paid")
    print("thank you")
"""

SDK_IN_CODE = (
    """
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider(resource=Resource.create({"service.name": "set-up-in-code"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
"""
    + API
)

SDK_OF_ITS_OWN = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name + "\\n")))
with provider.get_tracer("shop").start_as_current_span("private"):
    print("thank you")
"""

DISTRO = (
    """
import loopback, requests
print(requests.get(loopback.url).status_code)
"""
    + API
)

#: Starts ``{words}`` with a free port, requests one page and stops the server.
SERVER = """
import signal, socket, subprocess, sys, time, urllib.request
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])
words = [word.replace("PORT", port) for word in {words!r}]
server = subprocess.Popen([sys.executable, *words])
for _ in range(300):
    try:
        print(urllib.request.urlopen("http://127.0.0.1:" + port + "/tea").read())
        break
    except OSError:
        time.sleep(0.1)
server.send_signal(signal.SIGTERM)
print(server.wait(30))
"""

GUNICORN = SERVER.format(words=["-m", "gunicorn", "-w1", "-b127.0.0.1:PORT", "--log-level=critical", "shop:app"])
FLASK = """
import flask
app = flask.Flask("shop")

@app.route("/<what>")
def sell(what):
    return what
"""

UVICORN = SERVER.format(words=["-m", "uvicorn", "--port=PORT", "--log-level=critical", "shop:app"])
FASTAPI = """
import fastapi
app = fastapi.FastAPI()

@app.get("/{what}")
async def sell(what: str):
    return what
"""

CELERY = """
import celery
app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.update(task_always_eager=EAGER, broker_transport_options={"polling_interval": 0.05})

@app.task(name="sell")
def sell(what):
    return what * 2

if __name__ == "__main__":
    import logging
    from celery.contrib.testing.worker import start_worker
    if app.conf.task_always_eager:
        print(sell.delay("tea").get(timeout=20))
    else:
        logging.disable()
        with start_worker(app, pool="solo", perform_ping_check=False):
            print(sell.delay("tea").get(timeout=20))
"""
CELERY_EAGER = CELERY.replace("EAGER", "True")
CELERY_SOLO = CELERY.replace("EAGER", "False")

SPAWN = """
import multiprocessing

def work(what):
    import loopback, requests
    return what, requests.get(loopback.url + what).status_code

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print(pool.map(work, ["tea", "coffee"]))
        pool.close()
        pool.join()
"""

#: The application has both files, and the folder of the second one on PYTHONPATH.
OWN_SITECUSTOMIZE = """
import os, sys
os.environ["SHOP"] = "open"
print("sitecustomize", sorted(n for n in sys.modules if n.startswith(("opentelemetry", "distrokit"))))
"""
WITH_PYTHONPATH = """
import os, sys, requests, loopback, sitecustomize
print(os.environ["SHOP"], [os.path.basename(p) for p in sys.path[:2]], requests.get(loopback.url).text)
print(os.path.basename(os.path.dirname(sitecustomize.__file__)), os.environ["PYTHONPATH"].endswith("own"))
"""

ZIPAPP = """
import os, chardet, loopback, requests, urllib3
print(requests.get(loopback.url).text, requests.__version__, urllib3.__version__, chardet.__version__)
print([os.path.basename(os.path.dirname(os.path.dirname(m.__file__))) for m in (requests, urllib3, chardet)])
"""

#: What a process sees of its environment: every module that the environment has, and every distribution.
LISTING = """
import importlib, json, os, sys
from importlib import metadata
OURS = ("opentelemetry", "distrokit")
site = next(entry for entry in sys.path if entry.endswith("site-packages"))
names = {name.split(".")[0] for name in os.listdir(site) if name.endswith((".py", ".so")) or "." not in name}
names = sorted((n for n in names if n.isidentifier() and n != "__pycache__" and not n.startswith(OURS)), reverse=REVERSED)

def look(name):
    try:
        module = importlib.import_module(name)
    except BaseException as error:
        return type(error).__name__, str(error)
    return module.__file__ or sorted(module.__path__), str(getattr(module, "__version__", None))

modules = {name: look(name) for name in names}
theirs = [d for d in metadata.distributions() if not d.metadata["Name"].startswith(OURS)]
found = {
    "modules": modules,
    "distributions": sorted((d.metadata["Name"], d.version, str(d.locate_file(""))) for d in theirs),
    "versions": {d.metadata["Name"]: metadata.version(d.metadata["Name"]) for d in theirs},
    "entry points": sorted((p.group, p.name, p.value) for d in theirs for p in d.entry_points),
    "groups": sorted(
        (p.group, p.name, p.value)
        for group in {p.group for d in theirs for p in d.entry_points}
        for p in metadata.entry_points(group=group)
        if not p.value.startswith(OURS)
    ),
    "loaded": {n: m.__file__ for n, m in sorted(sys.modules.items()) if "." not in n and n in names and m.__file__},
    "path": sys.path,
}
with open(sys.argv[1], "w") as file:
    json.dump(found, file)
"""
