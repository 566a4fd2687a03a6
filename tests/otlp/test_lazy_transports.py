"""What sends is imported with the first export: the application may patch it before (gevent), and starts sooner."""

from __future__ import annotations

import pytest
from answering import Authority, closed_port, http_answering
from applications import start
from peers import PEERS
from processes import BIN, NOWHERE, instrumented, said
from releases import skip_without

from distrokit_otlp.modules import require

PROTOCOLS = ["grpc", "http/protobuf", "http/json"]
NONE = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_transport_is_imported_before_something_is_sent(receiver, protocol):
    program = """
        import sys
        from opentelemetry import trace

        def transports():
            print(sorted({"grpc", "requests", "urllib3", "h2", "http.client", "google.protobuf"} & set(sys.modules)))

        transports()
        trace.get_tracer("t").start_span("s").end()
        trace.get_tracer_provider().force_flush()
        transports()
    """
    env = {**NONE, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}

    result = instrumented(program, env)

    sent_by = ["h2"] if protocol == "grpc" else ["http.client"]
    assert result.stdout == f"[]\n{sent_by}\n"
    assert said(result) == []
    assert len(receiver.store.spans()) == 1


def test_a_package_that_is_missing_is_said_at_the_start():
    with pytest.raises(ModuleNotFoundError, match="pip install it"):
        require("nothing_of_this_name", "pip install it")
    require("requests", "")


PATCHED = """
from gevent import monkey
monkey.patch_all()
"""
ASKING = """
import os, requests
def ask():
    return requests.get(os.environ["ASKED"], verify=os.environ["CA"], timeout=10).status_code
"""
#: With the instrumentation of requests, which is applied when the program imports it, after its patch.
WITHOUT = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask,django"}


@pytest.fixture
def https(tmp_path):
    authority = Authority(tmp_path)
    with http_answering(context=authority.context("localhost")) as port:
        yield {"ASKED": f"https://localhost:{port}/", "CA": str(tmp_path / "ca.pem"), "NO_PROXY": "localhost"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_program_that_gevent_patches_asks_over_tls(receiver, https, protocol):
    skip_without("gevent")
    env = {**WITHOUT, **https, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    program = (
        f"{PATCHED}{ASKING}\nfrom opentelemetry import trace\ntrace.get_tracer('t').start_span('s').end()\nprint(ask())"
    )

    result = instrumented(program, {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol)})

    assert (result.stdout, result.returncode, said(result)) == ("200\n", 0, []), result.stderr
    assert sorted(span.name for span in receiver.store.spans()) == ["GET", "s"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_first_import_takes_nothing_of_the_receivers_time(receiver, protocol):
    program = """
        import sys, time

        class Slow:
            def find_spec(self, name, path=None, target=None):
                if name in ("distrokit_otlp.wire.spans", "distrokit_otlp.wire.json_form"):
                    time.sleep(1)

        sys.meta_path.insert(0, Slow())
        from opentelemetry import trace
        trace.get_tracer("t").start_span("s").end()
        # At the end of the process a failure would be retried, and not printed.
        trace.get_tracer_provider().force_flush()
    """
    env = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "900"}

    result = instrumented(program, {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(protocol)})

    assert result.stderr == ""
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_where_its_library_is_instrumented_the_loader_patches_first(https):
    skip_without("gevent")
    env = {**NOWHERE, **https, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
    patch = {"OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH": "patch_all"}

    result = instrumented(f"{PATCHED}{ASKING}\nprint(ask())", {**env, **patch}, lean=False)

    assert (result.stdout, result.returncode) == ("200\n", 0), result.stderr


def test_a_worker_of_gunicorn_that_gevent_patches_asks_over_tls(tmp_path, https):
    skip_without("gevent")
    source = f"""{ASKING}
def app(environ, start_response):
    body = str(ask()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
    (tmp_path / "shop.py").write_text(source)
    port = closed_port()
    command = [str(BIN / "gunicorn"), "shop:app", "-b", f"127.0.0.1:{port}", "-k", "gevent", "--no-control-socket"]
    with PEERS["http/protobuf"]() as peer:
        app = start(
            [*command, "--graceful-timeout", "5"], peer.endpoint, "http/protobuf", tmp_path, {**WITHOUT, **https}
        )
        try:
            answers = []
            app.until(lambda: answers.append(_asked(port)) or answers[-1], "answer", 30)
            app.signal(15)
            app.end(20)
        finally:
            if app.process.poll() is None:
                app.kill()
    assert answers[-1] == b"200", app.err


def _asked(port):
    import urllib.error
    import urllib.request

    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
    except urllib.error.HTTPError as error:
        return error.read()
    except OSError:
        return b""
