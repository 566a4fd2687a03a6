"""Plugins that are wrong in ways nobody would think of: each costs itself, in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import in_process
from distributions import write_distribution, write_plugin
from plans import assembled, planned, plugin, problems
from processes import QUIET, distrokit, said
from processes import under_launcher as instrumented

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
    def modify(plan):
        raise RuntimeError("late")

    calls = []
    acme = plugin(
        distrokit_plan=modify,
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
    def modify(plan):
        plan.problems.clear()
        plan.plugins.clear()
        plan.settings = None

    plan = planned({"OTEL_METRICS_EXPORTER": "consol"}, acme=plugin(distrokit_plan=modify))

    assert len(problems(plan)) == 1
    assert plan.plugins
    json.dumps(plan.describe())


def test_values_and_the_environment_cannot_be_changed_in_place():
    def modify(plan):
        plan.signals["traces"].exporters[0].exporter.parameters["headers"].value["x"] = "y"

    (line,) = problems(planned({"OTEL_EXPORTER_OTLP_HEADERS": "a=b"}, acme=plugin(distrokit_plan=modify)))
    assert "does not support item assignment" in line

    def hijack(environ):
        environ["OTEL_SERVICE_NAME"] = "hijacked"

    plan = planned({"OTEL_SERVICE_NAME": "mine"}, acme=plugin(distrokit_defaults=hijack))
    assert plan.resource.attributes["service.name"].value == "mine"
    assert "does not support item assignment" in problems(plan)[0]


def test_one_declaration_that_is_no_list_is_checked_as_well():
    bad = plugin(distrokit_processors=lambda: Processor("x", "traces", "transfrom", print))

    (line,) = problems(planned(acme=bad))

    assert "declared Processor 'x' at 'transfrom'; stages are measure, enrich, transform, derive, export" in line


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

    assert "OTEL_EXPORTER_OTLP_CERTIFICATE=/nowhere.pem: there is no such file; exporter otlp is left out" in line


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

    spec = spec_from_file_location("plugin_author", Path(__file__).parents[1] / "typing" / "plugin_author.py")
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
        ["doctor", "--offline"],
        ["doctor", "--offline", "--json"],
    ):
        result = in_process(*command, env=env, path=path)
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

    assert "(available: console, otlp, otlp/stdout, otlp_file, otlp_grpc, " in plan.settings.mask(problems(plan)[0])


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

    assert "doctor" in in_process("--help", path=path).stdout
    result = in_process("hello", path=path)
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

    result = in_process("hello", path=path)

    assert result.returncode == 2
    assert "plugin acme (distrokit-acme 1.0): import: ModuleNotFoundError" in result.stderr
    assert "invalid choice: 'hello'" in result.stderr


def test_a_terminal_without_arrows(tmp_path):
    env = {"PYTHONIOENCODING": "cp1252", "OTEL_TRACES_EXPORTER": "consol"}

    result = distrokit("doctor", "--offline", env=env)

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

    assert re.search("it must be a whole number from [01] to 2147483647", line)


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

    result = in_process("doctor", "--offline", env={"OTEL_PROPAGATORS": "w3c"}, path=path)

    assert result.returncode == 1
    assert "opentelemetry-instrument itself ends with an error" in result.stdout


# ------------------------------------------------------------------ what a second look found


@pytest.mark.parametrize("default", ["{'ACME': 'a\\0b'}", "{'': 'b'}", "{'A=B': 'c'}"])
def test_a_default_that_no_environment_can_hold_costs_its_plugin(default, receiver, tmp_path):
    source = f"""
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {default}
    """
    (line,) = ran(receiver, [write_plugin(tmp_path, "acme", source)])

    assert "plugin acme (distrokit-acme 1.0): distrokit_defaults: HookError" in line
    assert [span.name for span in receiver.store.spans()] == ["s"]


@pytest.mark.parametrize(
    "declaration",
    [
        Exporter("x", "traces", print, origin=5),
        Exporter("x", "traces", print, hides="OTEL"),
        Exporter("x", "traces", print, hides=(1,)),
    ],
)
def test_a_declaration_with_odd_fields_is_refused(declaration):
    plan = planned({"OTEL_TRACES_EXPORTER": "otlp"}, acme=plugin(distrokit_exporters=lambda: declaration))

    (line,) = problems(plan)
    assert "plugin acme (code): distrokit_exporters: HookError" in line


def test_an_amendment_of_what_the_sdk_sees_is_checked():
    def modify(plan):
        plan.sdk_settings["OTEL_SPAN_EVENT_COUNT_LIMIT"] = 5

    (line,) = problems(planned(acme=plugin(distrokit_plan=modify)))

    assert "plan.sdk_settings['OTEL_SPAN_EVENT_COUNT_LIMIT'] is int, expected str or NoneType" in line


def test_others_never_see_the_defaults_of_a_plugin_that_failed():
    def modify(plan):
        raise RuntimeError

    acme = plugin(distrokit_defaults=lambda: {"STAGE": "acme"}, distrokit_plan=modify)
    other = plugin(distrokit_resource=lambda settings: {"stage": settings.get("STAGE", "none")})

    assert planned(acme=acme, other=other).resource.attributes["stage"].value == "none"


def test_a_value_that_cannot_be_used_gives_way_to_the_next_weaker_one():
    acme = plugin(distrokit_defaults=lambda: {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
    environ = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grcp",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "soon",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "5000",
    }
    plan = planned(environ, acme=acme)

    arguments = plan.signals["traces"].exporters[0].exporter.arguments
    assert (arguments["protocol"], arguments["timeout_millis"]) == ("http/protobuf", 5000)
    assert [line.split(". ")[0].rpartition("; ")[2] for line in problems(plan)] == [
        "'http/protobuf' is used instead",
        "5000 is used instead",
    ]


def test_a_wrong_default_of_a_plugin_is_laid_to_the_plugin():
    acme = plugin(distrokit_defaults=lambda: {"OTEL_BSP_MAX_QUEUE_SIZE": "lots"})

    (line,) = problems(planned(acme=acme))

    assert line.startswith("OTEL_BSP_MAX_QUEUE_SIZE=lots: not usable: it must be a whole number from 1 to 2147483647 ")
    assert (
        "(it is the default of plugin acme); 2048 is used instead. Set OTEL_BSP_MAX_QUEUE_SIZE to another value."
        in line
    )


def test_options_that_a_plugin_changed_are_laid_to_it(receiver, tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporter_options(exporter, options):
            if options.signal == "traces":
                options.arguments["colour"] = "red"
    """
    (line,) = ran(receiver, [write_plugin(tmp_path, "acme", source)])

    assert "the exporter takes no colour" in line
    assert "Its options were changed by plugin acme 1.0: look there first." in line


def test_what_a_component_changes_in_the_environment_stays(tmp_path):
    source = """
        import os
        from distrokit import Sampler, hookimpl

        def make(context):
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON
            os.environ["ACME_SEEN"] = os.environ["ACME"]
            os.environ["ACME"] = "changed"
            return ALWAYS_ON

        @hookimpl
        def distrokit_defaults():
            return {"ACME": "default", "OTEL_TRACES_SAMPLER": "acme"}

        @hookimpl
        def distrokit_samplers():
            return [Sampler("acme", make)]
    """
    program = "import os; print(os.environ['ACME_SEEN'], os.environ['ACME'], 'OTEL_TRACES_SAMPLER' in os.environ)"

    assert instrumented(program, QUIET, [write_plugin(tmp_path, "acme", source)]).stdout == "default changed False\n"


def test_a_secret_of_a_plugins_default_is_masked_on_stderr(tmp_path):
    source = f"""
        from distrokit import Sampler, hookimpl

        def make(context):
            raise RuntimeError("cannot log in with {SECRET}")

        @hookimpl
        def distrokit_defaults():
            return {{"ACME_TOKEN": "{SECRET}", "OTEL_TRACES_SAMPLER": "acme"}}

        @hookimpl
        def distrokit_samplers():
            return [Sampler("acme", make)]
    """
    result = instrumented("", QUIET, [write_plugin(tmp_path, "acme", source)])

    assert "cannot log in with ****" in result.stderr
    assert SECRET not in result.stderr


def test_an_overruled_endpoint_is_masked_as_well():
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://user:{SECRET}@h:1",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://other:1",
    }
    shown = in_process("explain", env=env).stdout + in_process("explain", "--json", env=env).stdout

    assert "overrides OTEL_EXPORTER_OTLP_ENDPOINT=http://****@h:1" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("value", ["tracecontext,", "  ", ",", "TraceContext"])
def test_doctor_knows_which_propagators_stop_the_launcher(value):
    assert instrumented("print('ran')", {**QUIET, "OTEL_PROPAGATORS": value}).returncode == 1

    result = in_process("doctor", "--offline", env={"OTEL_PROPAGATORS": value})
    assert result.returncode == 1
    assert "FAIL  propagator-stops-launcher" in result.stdout


def test_a_list_that_names_nothing_is_said():
    (line,) = problems(planned({"OTEL_TRACES_EXPORTER": ","}))

    assert line == "OTEL_TRACES_EXPORTER=,: it contains no name; no traces are sent. Name an exporter, or write none."


def test_doctor_says_who_is_in_charge_and_what_is_off(tmp_path):
    points = {"opentelemetry_distro": {"distro": "x:Y"}, "opentelemetry_configurator": {"configurator": "x:Z"}}
    rival = write_distribution(tmp_path, "other-distro", entry_points=points)
    theirs = in_process("doctor", "--offline", env={"OTEL_PYTHON_DISTRO": "distro"}, path=[rival])
    unknown = in_process("doctor", "--offline", env={"OTEL_PYTHON_DISTRO": "nope"})
    off = in_process("doctor", "--offline", env={"OTEL_SDK_DISABLED": "true"})
    strict = in_process("doctor", "--offline", env={"DISTROKIT_STRICT": "1", "OTEL_LOG_LEVEL": "loud"})

    assert "warn  distro: other-distro configures the process, and distrokit builds nothing" in theirs.stdout
    assert in_process("explain", env={"OTEL_PYTHON_DISTRO": "distro"}, path=[rival]).stdout.startswith(
        "NOT ACTIVE: other-distro configures the process"
    )
    assert "distro-unknown" in unknown.stdout
    assert "telemetry is off: OTEL_SDK_DISABLED" in off.stdout
    assert strict.returncode == 1
