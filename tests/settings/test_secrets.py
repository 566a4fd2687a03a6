"""Secrets, wherever they stand, are in no output; and no destination gets another one's."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import textwrap
import types

import pytest
from distributions import write_plugin
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from plans import apply_all, assembled, planned, problems
from processes import instrumented, said
from sinks import http_sink

from distrokit.cli.difference import show_difference
from distrokit.cli.explain import print_text
from distrokit.cli.mermaid import mermaid
from distrokit.cli.picture import picture_of
from distrokit.cli.setting import explain_setting, lines
from distrokit.cli.svg import svg
from distrokit.doctor.checks import DoctorReport
from distrokit.doctor.settings import check_settings as checks
from distrokit.launch.startup_line import startup_line
from distrokit.settings.layers import is_secret

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


def outputs(env, names=()):
    """All that the commands print of a plan, in every form, and what is said at its start."""
    module = types.ModuleType("acme")
    exec(textwrap.dedent(PLUGIN), vars(module))
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        assembly = assembled({**env, "DISTROKIT_TRACE_HOOKS": "1"}, acme=module)
        plan = assembly.plan
        print_text(plan)
        print(json.dumps(plan.describe()), json.dumps(assembly.model()))
        print(mermaid(picture_of(plan)), svg(picture_of(plan)))
        for as_json in (False, True):
            show_difference(assembly.bare().plan, plan, as_json=as_json)
        for name in names:
            data = explain_setting(plan, name)
            print(json.dumps(data), *(lines(data) if data else ()))
        # The other groups of doctor read no setting; the whole of it is run below.
        report = DoctorReport(
            {"plugins": [check for _, check in assembly.plugins.checks(plan)], "settings": list(checks(plan))}
        )
        print(plan.settings.mask("\n".join(report.lines())), plan.settings.mask(json.dumps(report.describe())))
        print(assembly.channel.mask(startup_line(plan, "")))
        assembly.report()
    return out.getvalue()


#: Every setting there is, and one that nobody knows.
NAMES = sorted({setting.name for setting in planned().known} | {"OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP", "ACME_TOKEN"})
#: Whose text is names and values: what stands before the first "=" is a name, and no secret.
PAIRS = ("OTEL_RESOURCE_ATTRIBUTES", "OTEL_ENTITIES")
SHAPES = [
    "http://user:{}@h:1",
    "https://{}@h/v1/traces",
    "user:{}@h:4317",
    "http://h:1/x?key={}&b=1",
    "a=http://u:{}@h,b=2",
]
#: No word of any message.
secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789-_.~", min_size=9, max_size=20).map(
    "Zq9".__add__
)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"}))
def test_a_secret_in_any_setting_is_in_no_output(name):
    shape = f"api-key={SECRET}" if is_secret(name) else f"http://user:{SECRET}@h:1/x?key={SECRET}"
    text = f"a={shape}" if name in PAIRS else shape

    assert SECRET not in outputs({**TRACES, "OTEL_TRACES_EXPORTER": "otlp,otlp/backup,reads", name: text}, [name])


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.sampled_from(SHAPES), secrets)
@example("DISTROKIT_PLUGIN_FILES", "user:{}@h:4317", "Zq9000000000")
def test_a_secret_in_a_url_in_any_setting_is_in_no_output(name, shape, secret):
    # A file of this name is not there, and the name of a plugin is none either.
    if name in ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"):
        name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    text = ("a=" if name in PAIRS else "") + shape.format(secret)
    env = {**TRACES, "OTEL_TRACES_EXPORTER": "otlp,otlp/backup,reads", name: text}

    assert secret not in outputs(env, [name])


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([name for name in NAMES if is_secret(name)]),
    st.sampled_from(["{}", "api-key={}", "a=1,authorization=Bearer {}", "authorization=Basic%20{}", "x={};y", " {} "]),
    secrets,
)
def test_a_secret_setting_is_in_no_output(name, shape, secret):
    env = {**TRACES, "OTEL_TRACES_EXPORTER": "otlp,otlp/backup,reads", name: shape.format(secret)}

    assert secret not in outputs(env, [name])


def test_the_key_of_a_certificate_is_in_no_output(tmp_path):
    (tmp_path / "key.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://h:1", "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(tmp_path / "key.pem")}

    text = outputs({**TRACES, **env}, ["OTEL_EXPORTER_OTLP_CLIENT_KEY"])

    assert str(tmp_path / "key.pem") in text
    assert SECRET not in text


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
def test_secrets_in_variables(env):
    text = outputs({**TRACES, **env}, env)

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
def test_secrets_in_a_file(tmp_path, exporter):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    path = tmp_path / "otel.yaml"
    path.write_text(f'file_format: "1.0"\ntracer_provider: {{processors: [{{batch: {{exporter: {{{exporter}}}}}}}]}}')

    text = outputs({"OTEL_CONFIG_FILE": str(path)})

    assert SECRET not in text


KEYED = types.ModuleType("keyed")
exec(
    textwrap.dedent(
        """
        class I:
            def __init__(self, api_key=None, settings=None):
                self.k, self.s = api_key, settings

            def instrument(self, **keywords):
                raise ValueError(f"key {self.k!r} was refused, {self.s}, {keywords}")
        """
    ),
    vars(KEYED),
)
FLASK = "DISTROKIT_INSTRUMENTATION_FLASK"


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("_INIT_API_KEY", '"{}"'),
        ("_INIT_API_KEY", "{}"),
        ("_INIT_SETTINGS", '{{"api_key":"{}"}}'),
        ("_INIT_SETTINGS", '{{"api":[{{"key":"{}"}}]}}'),
        ("_INIT_SETTINGS", '{{"api_key":"{}"'),
        ("_INIT", '{{"api_key":"{}"}}'),
        ("_INIT", '{{"settings":{{"token":["{}"]}}}}'),
        ("_INIT", '{{"api_key": "{}"'),
        ("_INIT", "api_key={}"),
        ("_AUTH", '{{"password":"{}","callback":"import:nowhere:f"}}'),
        ("", '{{"api_key":"{}"}}'),
    ],
)
@pytest.mark.parametrize("secret", [SECRET, "12345678901"])
def test_a_secret_keyword_of_an_instrumentation_is_in_no_output(monkeypatch, keyword, text, secret):
    monkeypatch.setitem(sys.modules, "keyed", KEYED)
    env = {FLASK: "keyed:I", FLASK + keyword: text.format(secret)}

    assert secret not in outputs({**TRACES, **env}, list(env)) + applied(env)


def applied(env):
    """What is said when the instrumentations of this environment are applied."""
    plan = planned({"DISTROKIT_ENABLED_INSTRUMENTATIONS": "flask", **env})
    apply_all(plan)
    return "".join(plan.settings.mask(line) for line in problems(plan))


def test_a_secret_keyword_in_a_file_is_in_no_output(tmp_path, monkeypatch):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    monkeypatch.setitem(sys.modules, "keyed", KEYED)
    path = tmp_path / "otel.yaml"
    init = f"{{api_key: {SECRET}, settings: {{api: [{{key: b{SECRET}}}]}}}}"
    flask = f"{{replaced_by: 'keyed:I', init: {init}, auth: {{token: c{SECRET}}}}}"
    path.write_text(f'file_format: "1.0"\ninstrumentation/development: {{python: {{flask: {flask}}}}}\n')
    env = {"OTEL_CONFIG_FILE": str(path)}

    said = applied(env)

    assert "key '****' was refused" in said
    assert SECRET not in outputs(env) + said


def test_a_secret_keyword_of_a_plugin_is_in_no_output(monkeypatch):
    from plans import plugin

    monkeypatch.setitem(sys.modules, "keyed", KEYED)

    def change(plan):
        plan.instrumentations["flask"].init_options.update(api_key=SECRET, settings={"api": {"key": "b" + SECRET}})

    plan = planned({FLASK: "keyed:I"}, acme=plugin(distrokit_plan=change))
    apply_all(plan)

    (line,) = [line for line in map(plan.settings.mask, problems(plan)) if "flask" in line]
    assert "key '****' was refused" in line
    assert SECRET not in line


def test_what_is_no_secret_of_an_instrumentation_is_shown():
    text = '{"api_key": "hush-hush-4711", "urls": ["/a", "/b"]}'

    explained = outputs(
        {FLASK + "_INIT_SETTINGS": text, FLASK + "_URLS": "/a,/b"}, [FLASK + "_INIT_SETTINGS", FLASK + "_URLS"]
    )

    assert r"{\"api_key\": \"****\", \"urls\": [\"/a\", \"/b\"]}" in explained
    assert '"value": "/a,/b"' in explained


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
    from distrokit.settings.layers import Settings
    from distrokit.settings.reader import Reader

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
    from commands import in_process

    env = {"OTEL_EXPORTER_OTLP_HEADERS": f"api-key={SECRET}", "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://u:{SECRET}@h:1"}

    for command in (
        ("explain",),
        ("explain", "--json"),
        ("config", "show"),
        ("config", "show", "--diff"),
        ("doctor", "--json"),
        ("doctor",),
        ("explain", "--svg"),
        ("explain", "--mermaid"),
        ("explain", "--diff"),
        ("explain", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("explain", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("plugins", "--json"),
        ("doctor", "--", "python", "-c", "1"),
    ):
        result = in_process(*command, env=env)
        assert result.stdout
        assert SECRET not in result.stdout + result.stderr
