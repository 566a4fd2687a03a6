"""Plugins that are wrong in ways nobody would think of: each costs itself, in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from distributions import write_distribution, write_plugin
from plans import assembled, planned, plugin, problems
from processes import QUIET, distrokit, instrumented, said

from distrokit import Check, Command, Exporter, Processor

PROGRAM = """
    import sys
    from opentelemetry import trace
    trace.get_tracer("t").start_span("s", attributes={"email": "a@b.c"}).end()
    print("ran")
    sys.exit(7)
"""


def ran(receiver, path, env=None):
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), **(env or {})}
    result = instrumented(PROGRAM, env, path)
    assert (result.stdout, result.returncode) == ("ran\n", 7), result.stderr
    assert "Traceback" not in result.stderr
    return said(result)


PANIC = """
    from distrokit import Exporter, ResourceDetector, hookimpl

    class Panic(BaseException):
        '''What a native extension raises.'''

    def panic(*args):
        raise Panic("at the disco")
"""


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("    panic()", "plugin acme (distrokit-acme 1.0): import: Panic: at the disco"),
        (
            """
    @hookimpl
    def distrokit_exporters():
        return [Exporter("panics", "traces", panic)]
            """,
            "exporter panics (plugin acme 1.0): Panic: at the disco",
        ),
        (
            """
    @hookimpl
    def distrokit_resource():
        return [ResourceDetector("panics", panic)]
            """,
            "resource detector panics (plugin acme 1.0): Panic: at the disco",
        ),
        (
            """
    @hookimpl
    def distrokit_started(pipeline):
        panic()
            """,
            "distrokit_started: Panic: at the disco",
        ),
    ],
)
def test_a_base_exception_does_not_stop_the_application(source, complaint, receiver, tmp_path):
    path = [write_plugin(tmp_path, "acme", PANIC + source)]

    (line,) = ran(receiver, path, {"OTEL_TRACES_EXPORTER": "panics,otlp"} if "Exporter(" in source else None)

    assert complaint in line
    assert [span.name for span in receiver.store.spans()] == ["s"]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("pass", "TypeError: the factory returned NoneType, expected Callable"),
        ("import re; re.compile('(')", "missing ), unterminated subpattern"),
    ],
)
def test_a_redactor_that_cannot_be_built_is_said_with_its_consequence(body, complaint, receiver, tmp_path):
    source = f"""
        from distrokit import Processor, hookimpl

        def make(context):
            {body}

        @hookimpl
        def distrokit_processors():
            return [Processor("redact", "traces", "transform", make)]
    """
    (line,) = ran(receiver, [write_plugin(tmp_path, "acme", source)])

    assert complaint in line
    assert "it is left out; traces are sent without it" in line


def test_a_plugin_that_fails_on_the_plan_takes_its_declarations_and_defaults_with_it():
    def amend(plan):
        raise RuntimeError("late")

    calls = []
    acme = plugin(
        distrokit_plan=amend,
        distrokit_defaults=lambda: {"OTEL_SERVICE_NAME": "acme"},
        distrokit_resource=lambda: {"acme": 1},
        distrokit_processors=lambda: [Processor("p", "traces", "transform", print)],
    )
    other = plugin(distrokit_plan=lambda plan: calls.append(plan.resource.attributes.copy()))

    plan = planned({"OTEL_METRICS_EXPORTER": "consol"}, acme=acme, other=other)

    assert plan.resource.attributes == {}
    assert plan.signals["traces"].processors == []
    assert calls[-1] == {}
    assert [line.split(":")[0] for line in problems(plan)] == ["plugin acme (code)", "OTEL_METRICS_EXPORTER=consol"]


def test_an_amendment_cannot_take_back_what_others_found():
    def amend(plan):
        plan.problems.clear()
        plan.plugins.clear()
        plan.settings = None

    plan = planned({"OTEL_METRICS_EXPORTER": "consol"}, acme=plugin(distrokit_plan=amend))

    assert len(problems(plan)) == 1
    assert plan.plugins
    json.dumps(plan.describe())


def test_values_and_the_environment_cannot_be_changed_in_place():
    def amend(plan):
        plan.signals["traces"].exporters[0].exporter.parameters["headers"].value["x"] = "y"

    (line,) = problems(planned({"OTEL_EXPORTER_OTLP_HEADERS": "a=b"}, acme=plugin(distrokit_plan=amend)))
    assert "does not support item assignment" in line

    def hijack(environ):
        environ["OTEL_SERVICE_NAME"] = "hijacked"

    plan = planned({"OTEL_SERVICE_NAME": "mine"}, acme=plugin(distrokit_defaults=hijack))
    assert plan.resource.attributes["service.name"].value == "mine"
    assert "does not support item assignment" in problems(plan)[0]


def test_one_declaration_that_is_no_list_is_checked_as_well():
    bad = plugin(distrokit_processors=lambda: Processor("x", "traces", "transfrom", print))

    (line,) = problems(planned(acme=bad))

    assert "declared Processor 'x' at 'transfrom'; stages are enrich, transform, derive, export" in line


def test_one_name_twice_in_one_plugin():
    twice = plugin(distrokit_exporters=lambda: [Exporter("x", "traces", print)] * 2)

    (line,) = problems(planned(acme=twice))

    assert (
        "exporter for traces x: plugin acme (code) declares this name twice; none of them is used. Rename one." in line
    )


def test_one_exporter_named_twice_is_built_once():
    plan = planned({"OTEL_TRACES_EXPORTER": "otlp,OTLP"})

    assert [item.exporter.name for item in plan.signals["traces"].exporters] == ["otlp"]


@pytest.mark.parametrize("what", ["headers", "arguments"])
def test_options_that_a_hook_spoils_cost_that_hook(what, receiver, tmp_path):
    for name in ("acme", "bcme"):
        source = f"""
            from distrokit import hookimpl

            @hookimpl
            def distrokit_exporter_options(exporter, options):
                {f"options.{what} = None" if name == "acme" else "options.headers['x'] = 'y'"}
        """
        write_plugin(tmp_path, name, source)

    (line,) = ran(receiver, [tmp_path])

    assert "plugin acme (distrokit-acme 1.0): distrokit_exporter_options: TypeError: options.headers and" in line
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_parameters_of_the_wrong_kind_cost_the_exporter(receiver, tmp_path):
    source = """
        from distrokit import Exporter, hookimpl

        @hookimpl
        def distrokit_exporters():
            return [Exporter("acme", "traces", print, lambda reader: {"headers": reader.text("HOME")})]
    """
    (line,) = ran(receiver, [write_plugin(tmp_path, "acme", source)], {"OTEL_TRACES_EXPORTER": "acme,otlp"})

    assert "exporter acme (plugin acme 1.0): ValueError" in line
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_an_exception_that_cannot_be_shown(receiver, tmp_path):
    source = """
        from distrokit import hookimpl

        class Shy(Exception):
            def __str__(self):
                raise RuntimeError

        @hookimpl
        def distrokit_exporters():
            raise Shy
    """
    (line,) = ran(receiver, [write_plugin(tmp_path, "acme", source)])

    assert "Shy: (its message cannot be shown)" in line


def test_a_file_that_cannot_be_read_is_laid_to_its_variable(receiver):
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:1",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere.pem",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    # Three exporters could not be built, for one reason: one line.
    (line,) = ran(receiver, [], env)

    assert "FileNotFoundError" in line
    assert line.endswith("Correct OTEL_EXPORTER_OTLP_CERTIFICATE.")


@pytest.mark.parametrize(
    "files",
    [
        {"distrokit": {"otlp": "nowhere"}},
        {"opentelemetry_distro": {"distrokit": "nowhere:C"}},
        {"opentelemetry_instrumentor": {"flask": "nowhere:C"}},
    ],
)
def test_a_half_uninstalled_distribution_does_not_stop_the_application(files, tmp_path):
    write_distribution(tmp_path, "ghost", entry_points=files)
    (tmp_path / "ghost-1.0.dist-info" / "METADATA").unlink()

    result = instrumented("print('ran')", QUIET, [tmp_path])

    assert (result.stdout, result.returncode) == ("ran\n", 0)
    assert distrokit("plugins", path=[tmp_path]).returncode == 0


def test_the_plugin_of_the_typing_contract_is_one():
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("plugin_author", Path(__file__).parent / "typing" / "plugin_author.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    plan = planned({"OTEL_TRACES_EXPORTER": "acme", "ACME_MODE": "Slow"}, acme=module)

    assert problems(plan) == []
    assert plan.signals["traces"].exporters[0].exporter.parameters["mode"].value == "slow"


# ------------------------------------------------------------------------------------ secrets


SECRET = "hunter2hunter2"


def test_no_output_has_a_secret(tmp_path):
    source = f"""
        from distrokit import Check, Exporter, hookimpl

        @hookimpl
        def distrokit_defaults():
            return {{"ACME_TOKEN": "{SECRET}"}}

        @hookimpl
        def distrokit_plan(plan):
            plan.signals["traces"].exporters[0].exporter.parameters["headers"] = {{"authorization": "Bearer {SECRET}"}}

        @hookimpl
        def distrokit_checks(plan):
            return [Check("acme", "fail", "the token {SECRET} is refused", "change {SECRET}")]
    """
    broken = f"raise RuntimeError('x' * 280 + ' {SECRET}')"
    endpoint = f"http://user:{SECRET}@127.0.0.1:1/?key={SECRET}"
    path = [write_plugin(tmp_path, "acme", source), write_plugin(tmp_path, "broken", broken)]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "SERVICE_PASSWORD": SECRET, "OTEL_LOG_LEVEL": "debug"}
    shown = ""
    for command in (
        ["explain"],
        ["explain", "--json"],
        ["plugins"],
        ["plugins", "--json"],
        ["doctor"],
        ["doctor", "--json"],
    ):
        result = distrokit(*command, env=env, path=path)
        assert len(result.stdout) > 20
        shown += result.stdout + result.stderr
    # Nobody listens there, so nothing is recorded.
    result = instrumented("", {**env, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, path)

    assert "plugin broken" in result.stderr
    assert "****" in shown
    assert SECRET not in shown + result.stderr


@pytest.mark.parametrize(
    "endpoint", [f"user:{SECRET}@127.0.0.1:1", f"http://user:a@{SECRET}@h:1", f"ftp://u:{SECRET}@h"]
)
def test_a_user_in_an_endpoint_is_never_shown(endpoint):
    plan = planned({"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})

    assert SECRET not in json.dumps(plan.describe()) + repr(plan.signals["traces"].exporters[0])


def test_words_that_messages_need_are_not_masked():
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": "x-env=otlp", "OTEL_TRACES_EXPORTER": "consol"}
    plan = planned(environ)

    assert "(there are console, otlp, otlp_proto_grpc, otlp_proto_http)" in plan.settings.mask(problems(plan)[0])


# ------------------------------------------------------------------------------------ commands


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("Command('hello', '100% foo', lambda a: print('hello') or 0)", ""),
        ("Command('hello', 'x', lambda a: print('hello') or 0, lambda p: 1 / 0)", "command hello: ZeroDivisionError"),
    ],
)
def test_a_command_that_is_odd_leaves_the_others_alone(command, complaint, tmp_path):
    source = f"""
        from distrokit import Command, hookimpl

        @hookimpl
        def distrokit_commands():
            return [{command}]
    """
    path = [write_plugin(tmp_path, "acme", source)]

    assert "doctor" in distrokit("--help", path=path).stdout
    result = distrokit("hello", path=path)
    assert (result.stdout, result.returncode) == ("hello\n", 0)
    assert complaint in result.stderr


@pytest.mark.parametrize(
    "hooks",
    [
        {"distrokit_commands": lambda: [Command("x", 5, print)]},
        {"distrokit_commands": lambda: [Command("x", "y", print, "z")]},
        {"distrokit_checks": lambda: [Check("x", "ok", 3)]},
    ],
)
def test_a_field_of_the_wrong_type_is_found_where_it_was_declared(hooks):
    assembly = assembled(acme=plugin(**hooks))
    assembly.plugins.commands()
    assembly.plugins.checks(assembly.plan)

    (line,) = problems(assembly.plan)
    assert "plugin acme (code)" in line


def test_a_command_that_is_not_there_may_be_one_of_a_plugin_that_failed(tmp_path):
    path = [write_plugin(tmp_path, "acme", "import nowhere_at_all")]

    result = distrokit("hello", path=path)

    assert result.returncode == 2
    assert "plugin acme (distrokit-acme 1.0): import: ModuleNotFoundError" in result.stderr
    assert "invalid choice: 'hello'" in result.stderr


def test_a_terminal_without_arrows(tmp_path):
    env = {"PYTHONIOENCODING": "cp1252", "OTEL_TRACES_EXPORTER": "consol"}

    result = distrokit("doctor", env=env)

    assert (result.returncode, result.stderr) == (1, "")
    assert "OTEL_TRACES_EXPORTER=consol" in result.stdout


# ----------------------------------------------------------------------------------- settings


def test_detectors_run_once_and_not_while_the_sdk_is_imported(tmp_path):
    source = """
        import time
        from opentelemetry.sdk.resources import Resource, ResourceDetector

        class Slow(ResourceDetector):
            def detect(self):
                print("asked")
                time.sleep(0.1)
                return Resource({"slow": True})
    """
    write_distribution(
        tmp_path, "slow", entry_points={"opentelemetry_resource_detector": {"slow": "slow_detector:Slow"}},
        modules={"slow_detector": source},
    )  # fmt: skip
    program = "from opentelemetry import trace; print(trace.get_tracer_provider().resource.attributes['slow'])"
    env = {**QUIET, "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "slow,distro,container"}

    result = instrumented(program, env, [tmp_path])

    assert (result.stdout, result.stderr) == ("asked\nTrue\n", "")


@pytest.mark.parametrize(
    "setting", ["DISTROKIT_DETECTOR_TIMEOUT", "OTEL_BSP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"]
)
def test_a_time_that_no_thread_can_wait_is_refused(setting):
    (line,) = problems(planned({setting: "99999999999999999"}))

    assert "it must be a whole number from 1 to 2147483647" in line


def test_a_misspelt_scheme_is_no_missing_one():
    (line,) = problems(planned({"OTEL_EXPORTER_OTLP_ENDPOINT": "htpp://127.0.0.1:4317"}))

    assert "a grpc endpoint begins with http:// (plaintext) or https:// (TLS)" in line


def test_a_propagator_that_only_a_plugin_has_is_reported_by_doctor(tmp_path):
    source = """
        from distrokit import Propagator, hookimpl

        @hookimpl
        def distrokit_propagators():
            return [Propagator("w3c", print)]
    """
    path = [write_plugin(tmp_path, "acme", source)]

    result = distrokit("doctor", env={"OTEL_PROPAGATORS": "w3c"}, path=path)

    assert result.returncode == 1
    assert "opentelemetry-instrument itself ends with an error" in result.stdout
