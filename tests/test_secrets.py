"""Secrets, wherever they stand, are in no output; and no destination gets another one's."""

from __future__ import annotations

import json
import textwrap
import types

import pytest
from distributions import write_plugin
from plans import assembled, planned, problems
from processes import instrumented, said
from sinks import http_sink

from distrokit.cli.explain import print_text

SECRET = "hush-hush-4711"
PLUGIN = """
    from distrokit import Exporter, hookimpl

    def make(options):
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter
        return ConsoleSpanExporter()

    @hookimpl
    def distrokit_exporters():
        return [Exporter("reads", "traces", make, lambda reader: {"token": reader.text("ACME_TOKEN", key="token")}),
                Exporter("takes", "traces", make)]
"""
TRACES = {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}


def outputs(env, capsys):
    """All that the commands print of a plan, and what is said at its start."""
    module = types.ModuleType("acme")
    exec(textwrap.dedent(PLUGIN), vars(module))
    assembly = assembled(env, acme=module)
    print_text(assembly.plan)
    print(json.dumps(assembly.plan.describe()))
    print(json.dumps(assembly.model()))
    assembly.report()
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(
    "env",
    [
        {"OTEL_EXPORTER_OTLP_ENDPOINT": f"https://user:{SECRET}@h:4317"},
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"https://h/v1/traces?key={SECRET}",
        },
        {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization: Bearer {SECRET}"},
        {"OTEL_EXPORTER_OTLP_HEADERS": f"api-key={SECRET},x={SECRET}%20"},
        {"OTEL_EXPORTER_OTLP_HEADERS_FILE": f"api-key={SECRET}"},
        {"OTEL_TRACES_EXPORTER": "reads", "ACME_TOKEN": SECRET},
    ],
)
def test_secrets_in_variables(capsys, env):
    text = outputs({**TRACES, **env}, capsys)

    assert SECRET not in text


@pytest.mark.parametrize(
    "exporter",
    [
        f"otlp_http: {{headers: 'api-key={SECRET}'}}",
        f"otlp_http: {{headers: [{{name: api-key, value: [{SECRET}]}}]}}",
        f"otlp_http: {{headers: [{{name: api-key, value: {SECRET}}}], headers_list: 'b={SECRET}'}}",
        f"otlp_http: {{endpoint: 'http://u:{SECRET}@h/v1/traces?token={SECRET}'}}",
        f"reads: {{token: {SECRET}}}",
        f"takes: {{auth: {{password: {SECRET}}}, list: [{{api_key: {SECRET}}}], token: {SECRET}}}",
    ],
)
def test_secrets_in_a_file(tmp_path, capsys, exporter):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    path = tmp_path / "otel.yaml"
    path.write_text(f'file_format: "1.0"\ntracer_provider: {{processors: [{{batch: {{exporter: {{{exporter}}}}}}}]}}')

    text = outputs({"OTEL_CONFIG_FILE": str(path)}, capsys)

    assert SECRET not in text


@pytest.mark.parametrize("form", ["{}", "two\n{}", "a  b {}", "back\\slash {}", "token_{}_x", "{}%"])
def test_a_secret_is_masked_in_whatever_form_a_message_has_it(form):
    from plans import plugin

    secret = form.format(SECRET)

    def raises(settings):
        raise KeyError("bad key " + settings.get("ACME_SECRET"))

    plan = planned({"ACME_SECRET": secret}, acme=plugin(distrokit_resource=raises))

    (line,) = problems(plan)
    assert SECRET not in plan.settings.mask(line)
    assert SECRET not in json.dumps(plan.describe())


def test_a_credential_provider_is_for_the_first_destination_only(tmp_path):
    from distributions import write_distribution

    folder = write_distribution(
        tmp_path,
        "acme-credentials",
        entry_points={"opentelemetry_otlp_credential_provider": {"acme": "acme_credentials:session"}},
    )
    (folder / "acme_credentials.py").write_text(
        "import requests\ndef session():\n    s = requests.Session()\n    s.headers['x-key'] = 'first'\n    return s\n"
    )
    program = 'from opentelemetry import trace; trace.get_tracer("t").start_span("s").end()'
    with http_sink() as first, http_sink() as second:
        env = {
            **TRACES,
            "OTEL_TRACES_EXPORTER": "otlp,otlp/backup",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{first.port}",
            "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "acme",
            "OTEL_EXPORTER_OTLP_PROTOCOL__BACKUP": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": f"http://127.0.0.1:{second.port}",
        }
        result = instrumented(program, env, [folder])

    assert said(result) == []
    assert first.headers()[0]["x-key"] == "first"
    assert "x-key" not in second.headers()[0]


def test_a_headers_file_of_a_second_destination_and_one_that_a_plugin_defaults(tmp_path):
    from plans import plugin

    (tmp_path / "headers").write_text("a=1\nb=2,3\n")
    file = str(tmp_path / "headers")
    plan = planned({"OTEL_TRACES_EXPORTER": "otlp/backup", "OTEL_EXPORTER_OTLP_HEADERS_FILE__BACKUP": file})
    assert plan.signals["traces"].exporters[0].exporter.arguments["headers"] == {"a": "1", "b": "2,3"}

    acme = plugin(distrokit_defaults=lambda: {"OTEL_EXPORTER_OTLP_TRACES_HEADERS_FILE": file})
    arguments = (
        planned({"OTEL_EXPORTER_OTLP_HEADERS": "a=mine"}, acme=acme).signals["traces"].exporters[0].exporter.arguments
    )
    assert (arguments["headers"], "refresh_headers" in arguments) == ({"a": "mine"}, False)


def test_a_headers_file_that_never_ends_disturbs_nobody(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe")

    for name in (str(tmp_path / "pipe"), "/dev/zero"):
        (line,) = set(problems(planned({"OTEL_EXPORTER_OTLP_HEADERS_FILE": name})))
        assert "it is not a regular file" in line


def test_a_secret_of_several_lines_stays_as_it_is(tmp_path):
    from distrokit.parameters import Reader
    from distrokit.settings import Settings

    (tmp_path / "key.pem").write_text("-----BEGIN-----\nabc\n-----END-----\n")
    reader = Reader(Settings.from_environ({"ACME_KEY_FILE": str(tmp_path / "key.pem")}), "acme")

    assert reader.text("ACME_KEY", secret=True).value == "-----BEGIN-----\nabc\n-----END-----"


@pytest.mark.parametrize("refresh", ["lambda: sys.exit(3)", "lambda: 1 / 0", "lambda: None", "lambda: {'x-n': 5}", "5"])
def test_credentials_that_cannot_be_refreshed_are_said_and_the_export_goes_on(tmp_path, refresh):
    source = f"""
        import sys
        from distrokit import hookimpl
        @hookimpl
        def distrokit_exporter_options(exporter, options):
            options.refresh_headers = {refresh}
    """
    program = 'from opentelemetry import trace; trace.get_tracer("t").start_span("s").end()'
    with http_sink() as sink:
        env = {
            **TRACES,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.port}",
        }
        result = instrumented(program, env, [write_plugin(tmp_path, "vault", source)])

    assert len(sink.requests) == 1
    (line,) = result.stderr.splitlines()
    assert "refresh_headers raised " in line


def test_the_commands_show_no_secret(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    from processes import distrokit

    env = {"OTEL_EXPORTER_OTLP_HEADERS": f"api-key={SECRET}", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://u:{SECRET}@h:1"}

    for command in (
        ("explain",),
        ("explain", "--json"),
        ("config", "show"),
        ("config", "show", "--diff"),
        ("doctor", "--json"),
    ):
        result = distrokit(*command, env=env)
        assert result.stdout
        assert SECRET not in result.stdout + result.stderr
