"""Values that instrumentations read at each request, given by a configuration file, by code and by a plugin.

Looked at in spans that arrive: a flask server and a requests client talk to each other over loopback.
"""

from __future__ import annotations

import json
import os
import sys
from textwrap import dedent

import pytest
from distributions import write_plugin
from plans import planned
from processes import configured, instrumented, run, said

from distrokit.settings.environ import KEPT, as_given, keep
from distrokit.settings.layers import Settings
from distrokit_dev.receiver import Receiver

SHOP = """
    import json, os, subprocess, sys, threading
    import flask, requests
    from werkzeug.serving import make_server

    app = flask.Flask("shop")

    @app.route("/<path>")
    def view(path):
        return "", 200, {"x-answer": "served", "x-token": "hush"}

    server = make_server("127.0.0.1", 0, app)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for path in ("cart", "healthz"):
        requests.get(f"http://127.0.0.1:{server.server_port}/{path}", headers={"x-asked": "buy", "x-token": "hush"})
    server.shutdown()
"""
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
NO_METRICS = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

FILE = """
    file_format: "1.0"
    propagator: {composite: [{tracecontext: }]}
    tracer_provider:
      processors:
        - simple: {exporter: {otlp_http: {endpoint: "${RECEIVER}/v1/traces"}}}
    instrumentation/development:
      general:
        http:
          semconv: {version: 1}
          client: {request_captured_headers: [x-asked, x-token], response_captured_headers: [x-answer]}
          server: {request_captured_headers: [x-asked], response_captured_headers: [x-answer, x-token]}
"""


def spans_of(receiver):
    """The attributes of the spans of the server and of the client, each with its path."""
    server, client = {}, {}
    for span in receiver.store.spans():
        url = str(span.attributes.get("url.path") or span.attributes.get("http.target") or "")
        if span.kind == "server":
            server[url] = span.attributes
        else:
            url = str(span.attributes.get("url.full") or span.attributes.get("http.url"))
            client["/" + url.rpartition("/")[2]] = span.attributes
    return server, client


@pytest.fixture(scope="module")
def by_file(tmp_path_factory):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    with Receiver() as receiver:
        env = {
            "RECEIVER": receiver.endpoint("http/protobuf"),
            # The file is silent about one of them, and speaks of the other.
            CAPTURE + "SANITIZE_FIELDS": "x-token",
            CAPTURE + "SERVER_REQUEST": "host",
        }
        result = configured(SHOP, FILE, tmp_path_factory.mktemp("file"), env, lean=False)
        assert (result.returncode, said(result)) == (0, []), result.stderr
        yield spans_of(receiver)


@pytest.mark.parametrize(
    ("side", "attribute", "value"),
    [
        ("server", "http.request.header.x_asked", ["buy"]),
        ("server", "http.response.header.x_answer", ["served"]),
        ("server", "http.response.header.x_token", ["[REDACTED]"]),
        ("client", "http.request.header.x_asked", ["buy"]),
        ("client", "http.request.header.x_token", ["[REDACTED]"]),
        ("client", "http.response.header.x_answer", ["served"]),
        ("server", "url.path", "/cart"),
        ("client", "http.request.method", "GET"),
    ],
)
def test_a_key_of_the_file_takes_effect(by_file, side, attribute, value):
    server, client = by_file

    assert (server if side == "server" else client)["/cart"].get(attribute) == value


def test_the_list_of_opt_ins_of_the_file_takes_effect(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    file = dedent(FILE).partition("    http:")[0] + "    stability_opt_in_list: http/dup\n"
    with Receiver() as receiver:
        env = {"RECEIVER": receiver.endpoint("http/protobuf")}
        result = configured(SHOP, file, tmp_path, env, lean=False)
        server, client = spans_of(receiver)

    assert said(result) == [], result.stderr
    assert server["/cart"].keys() >= {"url.path", "http.target"}
    assert client["/cart"].keys() >= {"http.request.method", "http.method"}


GIVEN = {
    CAPTURE + "SERVER_REQUEST": "x-.*",
    CAPTURE + "SANITIZE_FIELDS": "x-token",
    CAPTURE + "CLIENT_RESPONSE": "x-answer",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "healthz",
    "OTEL_PYTHON_REQUESTS_EXCLUDED_URLS": "healthz",
}


def arrived(receiver):
    server, client = spans_of(receiver)
    assert set(server) == set(client) == {"/cart"}
    assert server["/cart"]["http.request.header.x_asked"] == ["buy"]
    assert server["/cart"]["http.request.header.x_token"] == ["[REDACTED]"]
    assert client["/cart"]["http.response.header.x_answer"] == ["served"]
    assert server["/cart"]["url.path"] == "/cart"


def test_what_code_gives_takes_effect_and_a_child_does_not_take_it_for_the_users_choice(tmp_path):
    child = "from distrokit.settings.layers import Settings; print(Settings.from_environ().environ.get(%r))" % (
        CAPTURE + "SERVER_REQUEST"
    )
    program = f"""
import distrokit
distrokit.start(settings={GIVEN!r})
{dedent(SHOP)}
print(os.environ[{CAPTURE + "SERVER_REQUEST"!r}])
print(subprocess.check_output([sys.executable, "-c", {child!r}], text=True))
"""
    with Receiver() as receiver:
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"),
            **NO_METRICS,
            CAPTURE + "SERVER_REQUEST": "mine",
        }
        result = run([os.sys.executable, "-c", program], env)
        assert (result.returncode, said(result)) == (0, []), result.stderr
        arrived(receiver)
    assert result.stdout.split() == ["x-.*", "mine"]


def test_what_a_plugin_gives_takes_effect(tmp_path):
    source = f"""
        from distrokit import Setting, hookimpl

        @hookimpl
        def distrokit_settings():
            return [Setting(name="ACME_CAPTURE", consumer="instrumentations", meaning="m"),
                    Setting(name="ACME_OWN", consumer="acme", meaning="m")]

        @hookimpl
        def distrokit_defaults():
            return {{**{GIVEN!r}, "ACME_CAPTURE": "all", "ACME_OWN": "x", "OTEL_PYTHON_ACME_TOKEN": "hush",
                    "OTEL_SERVICE_NAME": "shop"}}
    """
    names = ["ACME_CAPTURE", "ACME_OWN", "OTEL_PYTHON_ACME_TOKEN", "OTEL_SERVICE_NAME"]
    program = f"{dedent(SHOP)}\nprint(json.dumps([os.environ.get(name) for name in {names}]))\n"
    with Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), **NO_METRICS}
        result = instrumented(program, env, [write_plugin(tmp_path, "acme", source)], lean=False)
        assert said(result) == [], result.stderr
        arrived(receiver)
    # The instrumentations' own stay; what others have read already, and secrets, do not.
    assert json.loads(result.stdout.splitlines()[-1]) == ["all", None, None, None]


def test_what_a_parent_kept_is_put_back_unless_it_was_set_anew(monkeypatch):
    for name, text in {"A": "user", "C": "user"}.items():
        monkeypatch.setenv(name, text)
    for name in ("B", KEPT):
        monkeypatch.delenv(name, raising=False)

    keep({"A": "kept", "B": "kept", "C": "kept"})
    monkeypatch.setenv("C", "anew")

    assert {name: as_given(os.environ).get(name) for name in "ABC"} == {"A": "user", "B": None, "C": "anew"}
    keep({"B": "again"})
    assert {name: os.environ.get(name) for name in "ABC"} == {"A": "user", "B": "again", "C": "anew"}
    keep({})
    assert {name: os.environ.get(name) for name in ("A", "B", "C", KEPT)} == {
        "A": "user", "B": None, "C": "anew", KEPT: None,
    }  # fmt: skip
    monkeypatch.setenv(KEPT, "[not ours")
    assert Settings.from_environ().get("A") == "user"


def test_a_value_that_no_variable_can_hold_costs_itself(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    client = '{client: {request_captured_headers: ["x-\\0"]}}'
    file = f'file_format: "1.0"\ninstrumentation/development: {{general: {{http: {client}}}}}\n'

    result = configured("print('runs')", file, tmp_path)

    assert result.stdout == "runs\n"
    (line,) = said(result)
    assert line.startswith(
        f"distrokit: otel.yaml:2:57 {CAPTURE}CLIENT_REQUEST: it contains a character that an environment variable "
    )


@pytest.mark.parametrize(
    ("general", "opt_in", "says"),
    [
        ("http: {semconv: {dual_emit: true}}", "http/dup", ""),
        ("http: {semconv: {version: 0}}, stability_opt_in_list: 'http/dup, database'", "database", ""),
        ("http: {semconv: {version: 2}}", "", "semconv.version=2"),
        ("http: {semconv: {version: 1, experimental: true}}", "http", "http.semconv.experimental"),
        ("gen_ai: {semconv: {experimental: true}}", "gen_ai_latest_experimental", ""),
        ("gen_ai: {semconv: {version: 1, dual_emit: true}}", "gen_ai_latest_experimental", "gen_ai.semconv.dual_emit"),
        ("rpc: {semconv: {version: 1}}", "", "general.rpc"),
        ("stability_opt_in_list: 'http, databse'", "http,databse", "stability_opt_in_list=databse"),
        ("http: {client: {known_methods: [GET]}}", "", "general.http.client.known_methods"),
        ("sanitization: {url: {sensitive_query_parameters: [sig]}}", "", "general.sanitization"),
    ],
)
def test_each_other_key_has_an_effect_or_is_said_with_its_line(tmp_path, general, opt_in, says):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    path = tmp_path / "otel.yaml"
    path.write_text(f'file_format: "1.0"\ninstrumentation/development: {{general: {{{general}}}}}')

    plan = planned({"OTEL_CONFIG_FILE": str(path)})

    assert plan.settings.get("OTEL_SEMCONV_STABILITY_OPT_IN") == opt_in
    assert [f"{path}:2:" in p.subject and says in p.subject for p in plan.problems] == ([True] if says else [])


INVALID = {
    CAPTURE + "SERVER_REQUEST": "[,x-asked",
    CAPTURE + "SERVER_RESPONSE": "*answer",
    CAPTURE + "CLIENT_REQUEST": "(?i)x-token,x-asked,(?i)x-more",
    CAPTURE + "CLIENT_RESPONSE": "(",
    CAPTURE + "SANITIZE_FIELDS": "[",
    "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "*,healthz",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
}


def test_an_invalid_pattern_raises_nothing_into_the_application():
    with Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("http/protobuf"), **NO_METRICS, **INVALID}
        program = SHOP.replace("requests.get(", "print(requests.get(").replace('"hush"})\n', '"hush"}).status_code)\n')
        result = instrumented(program, {**env, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, lean=False)
        server, client = spans_of(receiver)

    assert (result.returncode, result.stdout) == (0, "200\n200\n"), result.stderr
    assert set(server) == {"/cart"}
    # Nobody knows which headers were meant to be secret, so all of them are.
    assert server["/cart"]["http.request.header.x_asked"] == ["[REDACTED]"]
    assert not any(name.startswith("http.response.header") for name in {**server["/cart"], **client["/cart"]})
    lines = said(result)
    # Before Python 3.11 a flag in the middle of an expression is deprecated, not an error.
    expected = 6 if sys.version_info >= (3, 11) else 5
    assert len(lines) == len({line for line in lines if "it is not a regular expression: " in line}) == expected
    assert any(line.startswith(f"distrokit: {CAPTURE}SERVER_REQUEST=[: ") for line in lines)
    assert any("Write .*answer for any text in place of the asterisk." in line for line in lines)
    (sanitized,) = [line for line in lines if "SANITIZE_FIELDS=[" in line]
    assert "the values of all recorded headers are redacted" in sanitized


def test_an_invalid_pattern_of_a_file_is_named_with_its_place(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    path = tmp_path / "otel.yaml"
    path.write_text(dedent(FILE).replace("[x-asked]", '["["]').replace("${RECEIVER}", "http://127.0.0.1:9"))

    (problem,) = planned({"OTEL_CONFIG_FILE": str(path)}).problems

    assert problem.subject.startswith(str(path))
    assert problem.subject.endswith(f"{CAPTURE}SERVER_REQUEST=[")
