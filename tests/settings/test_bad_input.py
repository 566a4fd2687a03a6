"""The table of bad input: each costs one part, is said in one line, and the application runs."""

from __future__ import annotations

import sys

import pytest
from distributions import write_distribution, write_plugin
from processes import BIN, EAGER, QUIET, instrumented, run, said

from distrokit_dev.receiver import Receiver

#: Ends with an exit code of its own and tells what it has.
PROGRAM = """
    import sys
    from opentelemetry import trace
    with trace.get_tracer("t").start_as_current_span("s"):
        print("ran")
    sys.exit(7)
"""


def _sent(receiver: Receiver, env: dict[str, str] | None = None, **kwargs):
    result = instrumented(PROGRAM, {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), **(env or {})}, **kwargs)
    assert (result.stdout, result.returncode) == ("ran\n", 7), result.stderr
    return result


BROKEN = {
    "import": ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "exit at import": ("raise SystemExit(3)", "SystemExit: 3"),
    "misspelt hook": (
        """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporter():
            return []
        """,
        "there is no hook 'distrokit_exporter'. Did you mean 'distrokit_exporters'?",
    ),
    "unknown argument": (
        """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporters(colour):
            return []
        """,
        "colour",
    ),
    "raises": (
        """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporters():
            raise RuntimeError("out of order")
        """,
        "distrokit_exporters: RuntimeError: out of order",
    ),
    "exits in a hook": (
        """
        import sys
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            sys.exit(9)
        """,
        "distrokit_defaults: SystemExit: 9",
    ),
    "raises in a generator": (
        """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_samplers():
            yield 1 / 0
        """,
        "ZeroDivisionError",
    ),
    "wrong type": (
        """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporters():
            return "otlp"
        """,
        "returned str, expected a list of Exporter",
    ),
    "wrong type in list": (
        """
        from distrokit import Sampler, hookimpl

        @hookimpl
        def distrokit_exporters():
            return [Sampler("a", print)]
        """,
        "returned Sampler in its list, expected Exporter",
    ),
    "coroutine": (
        """
        from distrokit import hookimpl

        @hookimpl
        async def distrokit_exporters():
            return []
        """,
        "returned a coroutine",
    ),
    "answer where none is due": (
        """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_plan(plan):
            return 5
        """,
        "returned int 5, but this hook returns nothing",
    ),
    "unmarked hook": ("def distrokit_exporters():\n    return []\n", "not marked with @hookimpl"),
    "no hook at all": ("x = 1\n", "it implements no hook"),
    "wrapper": (
        """
        from distrokit import hookimpl

        @hookimpl(wrapper=True)
        def distrokit_exporters():
            return (yield)
        """,
        "hook wrapper",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_left_out_alone_and_named(case, receiver, tmp_path):
    source, cause = BROKEN[case]
    path = [write_plugin(tmp_path, "broken", source, distribution="acme-otel", version="2.1")]

    result = _sent(receiver, path=path)

    (line,) = said(result)
    assert "plugin broken (acme-otel 2.1)" in line
    assert cause in line
    assert "DISTROKIT_DISABLED_PLUGINS=broken" in line
    assert [span.name for span in receiver.store.spans()] == ["s"]
    assert result.stderr == line + "\n"


@pytest.mark.parametrize("order", ["12", "21"])
def test_two_distributions_that_claim_one_name_are_both_left_out_whatever_the_order(order, receiver, tmp_path):
    plugin = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_resource():
            return {"acme.number": NUMBER}
    """
    for number in "12":
        write_plugin(tmp_path / number, "acme", plugin.replace("NUMBER", number), f"acme-{number}")

    result = _sent(receiver, path=[tmp_path / number for number in order])

    (line,) = said(result)
    assert "plugin acme: acme-1 1.0 and acme-2 1.0 use the same name; all of them are left out" in line
    (span,) = receiver.store.spans()
    assert "acme.number" not in span.resource


def test_a_misspelt_exporter_costs_that_exporter_only(receiver, tmp_path):
    result = instrumented(
        """
        import flask, logging
        from opentelemetry import metrics, trace

        metrics.get_meter("m").create_counter("c").add(1)
        logging.getLogger("l").warning("hello")
        print(flask.Flask.__module__)
        """,
        {"OTEL_TRACES_EXPORTER": "consol", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")},
        lean=False,
    )

    (line,) = said(result)
    assert "OTEL_TRACES_EXPORTER=consol: there is no such exporter for traces" in line
    assert "(available: console, otlp, otlp/stdout, otlp_file, otlp_grpc, otlp_http, " in line
    assert "Did you mean 'console'?" in line
    assert receiver.store.spans() == []
    assert [point.name for point in receiver.store.points()] == ["c"]
    assert [log.body for log in receiver.store.logs()] == ["hello"]
    assert result.stdout == "opentelemetry.instrumentation.flask\n"
    assert result.returncode == 0


def test_the_other_exporters_of_the_signal_work(receiver):
    result = _sent(receiver, {"OTEL_TRACES_EXPORTER": "consol,otlp"})

    assert "OTEL_TRACES_EXPORTER=consol" in said(result)[0]
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_without_an_exporter_plugin_one_line_says_what_keeps_it_out():
    """Where it is not installed, it names the package: see test_wheels.py."""
    result = instrumented(PROGRAM, {"DISTROKIT_DISABLED_PLUGINS": "otlp"})

    (line,) = said(result)
    assert line == (
        "distrokit: traces, metrics, logs: no plugin supplies an exporter and no setting names one; "
        "nothing is sent. Plugins that are installed but not loaded: otlp (DISTROKIT_DISABLED_PLUGINS has 'otlp')."
    )
    assert (result.stdout, result.returncode) == ("ran\n", 7)


def test_an_unknown_protocol_is_replaced_and_said_once(receiver):
    result = _sent(receiver, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grcp"})

    (line,) = said(result)
    assert line == (
        "distrokit: OTEL_EXPORTER_OTLP_PROTOCOL=grcp: not usable: valid values are grpc, http/protobuf, http/json; "
        "'grpc' is used instead. Did you mean 'grpc'? Change or unset OTEL_EXPORTER_OTLP_PROTOCOL."
    )
    assert [span.name for span in receiver.store.spans()] == ["s"]


@pytest.mark.parametrize("failure", ["RuntimeError('no')", "SystemExit(4)", "ImportError('half there')"])
def test_an_instrumentation_that_raises_is_left_out_and_the_others_are_applied(failure, tmp_path):
    # "aaa" comes before flask and requests, "zzz" after.
    instrumentor = f"""
        class Bad:
            def instrument(self, **kwargs):
                raise {failure}

        class Good:
            def instrument(self, **kwargs):
                print("zzz applied")
    """
    write_distribution(
        tmp_path,
        "acme-instrumentation",
        entry_points={"opentelemetry_instrumentor": {"aaa": "acme_instr:Bad", "zzz": "acme_instr:Good"}},
        modules={"acme_instr": instrumentor},
    )

    result = instrumented("import flask; print(flask.Flask.__module__)", QUIET, [tmp_path], lean=False)

    assert set(result.stdout.splitlines()) == {"zzz applied", "opentelemetry.instrumentation.flask"}
    (line,) = said(result)
    assert "instrumentation aaa (acme-instrumentation 1.0)" in line
    assert failure.split("(")[0] in line
    assert "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=aaa" in line
    assert result.returncode == 0


def test_an_instrumentation_without_its_library_is_no_problem(tmp_path):
    write_distribution(
        tmp_path,
        "acme-instrumentation",
        entry_points={"opentelemetry_instrumentor": {"aaa": "library_that_is_not_there:X"}},
    )

    result = instrumented("print('ran')", QUIET, [tmp_path])

    assert (result.stdout, result.stderr) == ("ran\n", "")


def test_strict_turns_a_problem_into_a_failure_before_the_application_starts():
    result = instrumented("print('ran')", {"OTEL_TRACES_EXPORTER": "consol", "DISTROKIT_STRICT": "1"})

    assert (result.stdout, result.returncode) == ("", 78)
    assert [line.split(":")[1].strip() for line in said(result)] == [
        "OTEL_TRACES_EXPORTER=consol",
        "DISTROKIT_STRICT is set and there is 1 problem; the application is not started",
    ]
    assert "Traceback" not in result.stderr


def test_strict_is_quiet_when_all_is_well(receiver):
    _sent(receiver, {"DISTROKIT_STRICT": "1"})

    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_strict_counts_what_an_instrumentation_does_wrong(tmp_path):
    write_distribution(
        tmp_path,
        "acme-instrumentation",
        entry_points={"opentelemetry_instrumentor": {"aaa": "acme_instr:missing"}},
        modules={"acme_instr": ""},
    )

    result = instrumented("print('ran')", {**QUIET, "DISTROKIT_STRICT": "1"}, [tmp_path])

    assert (result.stdout, result.returncode) == ("", 78)
    assert "instrumentation aaa" in said(result)[0]


def test_a_blocked_plugin_is_never_imported(receiver, tmp_path):
    path = [write_plugin(tmp_path, "noisy", "print('imported')")]

    result = _sent(receiver, {"DISTROKIT_DISABLED_PLUGINS": "noisy, nois"}, path=path)

    (line,) = said(result)
    assert line.startswith("distrokit: DISTROKIT_DISABLED_PLUGINS=nois: no plugin has this name")
    assert "Did you mean 'noisy'?" in line


def test_a_detector_that_hangs_or_raises_costs_its_attributes_only(receiver, tmp_path):
    path = [
        write_plugin(
            tmp_path,
            "slow",
            """
            import time
            from distrokit import ResourceDetector, hookimpl

            def hang():
                time.sleep(600)

            def fail():
                raise OSError("no such machine")

            @hookimpl
            def distrokit_resource():
                return [
                    ResourceDetector("hangs", hang),
                    ResourceDetector("fails", fail),
                    ResourceDetector("lies", lambda: {"a": object()}),
                    ResourceDetector("works", lambda: {"acme.works": True}),
                    ResourceDetector("silent", lambda: None),
                ]
            """,
        )
    ]

    result = _sent(receiver, {"DISTROKIT_DETECTOR_TIMEOUT": "300"}, path=path)

    lines = said(result)[::-1]
    assert len(lines) == 3
    assert "resource detector hangs (plugin slow 1.0): TimeoutError: no answer within 300 ms" in lines[0]
    assert "resource detector fails (plugin slow 1.0): OSError: no such machine" in lines[1]
    assert "resource detector lies" in lines[2]
    (span,) = receiver.store.spans()
    assert span.resource["acme.works"] is True
    assert span.resource["host.name"]


def test_a_component_that_cannot_be_built_is_left_out_alone(receiver, tmp_path):
    path = [
        write_plugin(
            tmp_path,
            "acme",
            """
            from distrokit import Exporter, Processor, Sampler, hookimpl

            def broken(options):
                import package_that_is_not_there

            def nonsense(context):
                return 42

            @hookimpl
            def distrokit_exporters():
                return [Exporter("acme", "traces", broken), Exporter("nonsense", ("traces", "logs"), nonsense)]

            @hookimpl
            def distrokit_samplers():
                return [Sampler("nonsense", nonsense)]

            @hookimpl
            def distrokit_processors():
                return [Processor("broken", ("traces", "logs", "metrics"), "transform", nonsense)]
            """,
        )
    ]

    result = _sent(
        receiver,
        {"OTEL_TRACES_EXPORTER": "acme,nonsense,otlp", "OTEL_TRACES_SAMPLER": "nonsense"},
        path=path,
    )

    text = result.stderr
    assert "exporter acme (plugin acme 1.0): ModuleNotFoundError" in text
    assert "Install the package that has 'package_that_is_not_there'" in text
    assert "exporter nonsense (plugin acme 1.0): TypeError: the factory returned int, expected SpanExporter" in text
    assert "sampler nonsense (plugin acme 1.0)" in text
    assert (
        "processor broken (plugin acme 1.0): TypeError: the factory returned int, expected Callable; it is left out"
        in text
    )
    assert [span.name for span in receiver.store.spans()] == ["s"]


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_setting_means_unset(receiver, value):
    names = ["OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_COMPRESSION"]
    names += ["OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_PYTHON_ID_GENERATOR"]
    names += ["OTEL_BSP_MAX_QUEUE_SIZE"]

    result = _sent(receiver, dict.fromkeys(names, value))

    assert result.stderr == ""
    assert [span.name for span in receiver.store.spans()] == ["s"]


def test_the_interpreter_and_the_environment_are_left_as_they_were(receiver):
    result = instrumented(
        "import logging, os; logging.error('x'); print({n: t for n, t in os.environ.items() if n.startswith(('OTEL_', 'DISTROKIT_'))})",
        {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")},
        lean=False,
    )

    assert eval(result.stdout) == {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}


def test_a_closed_stderr_disturbs_nobody():
    command = f"{BIN}/opentelemetry-instrument {sys.executable} -c 'print(1); exit(7)' 2>&-"

    result = run(["sh", "-c", command], {**QUIET, **EAGER, "OTEL_TRACES_EXPORTER": "consol"})

    assert (result.stdout, result.returncode) == ("1\n", 7)


@pytest.mark.parametrize("disabled", ["", "true"])
@pytest.mark.parametrize("kind", ["tracer", "meter", "logger"])
def test_an_unknown_provider_costs_itself(kind, disabled):
    program = """
        from opentelemetry import _logs, metrics, trace
        trace.get_tracer("t").start_span("s").end()
        metrics.get_meter("m").create_counter("c").add(1)
        _logs.get_logger("l").emit(_logs.LogRecord(body="b"))
        print("goes on")
    """
    name = f"OTEL_PYTHON_{kind.upper()}_PROVIDER"

    result = instrumented(program, {**QUIET, name: "nothere", "OTEL_SDK_DISABLED": disabled}, lean=False)

    assert (result.returncode, result.stdout) == (0, "goes on\n"), result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"distrokit: {name}=nothere: not usable: valid values are ")
    assert f"sdk_{kind}_provider" in line
