"""``distrokit doctor`` builds every part, names the one whose factory raises, and ends what it has built."""

from __future__ import annotations

import json
import threading

import pytest
from commands import in_process
from distributions import write_distribution, write_plugin
from processes import instrumented

from distrokit.doctor import building

RAISES = 'raise LookupError("VAULT_TENANT is not set")'
#: A declaration whose factory raises, what chooses it, and what doctor calls it.
KINDS = {
    "Sampler": ("distrokit_samplers", "Sampler('vault', make)", {"OTEL_TRACES_SAMPLER": "vault"}, "sampler vault"),
    "IdGenerator": (
        "distrokit_id_generators", "IdGenerator('vault', make)", {"OTEL_PYTHON_ID_GENERATOR": "vault"}, "id generator vault",
    ),
    "ResponsePropagator": (
        "distrokit_response_propagators", "ResponsePropagator('vault', make)", {}, "response propagator vault",
    ),
    **{
        f"Processor at {stage} of {signal}": (
            "distrokit_processors", f"Processor('vault', '{signal}', '{stage}', make)", {}, "processor vault",
        )
        for stage, signal in (("enrich", "traces"), ("transform", "traces"), ("derive", "logs"), ("transform", "metrics"))
    },
    "Processor in front of one exporter": (
        "distrokit_processors", "Processor('vault', 'traces', 'transform', make, exporters=('otlp',))", {}, "processor vault",
    ),
    "Processor at export": (
        "distrokit_processors", "Processor('vault', 'traces', 'export', make)", {"DISTROKIT_TRACES_PROCESSOR": "vault"},
        "processor vault",
    ),
    "Reader": (
        "distrokit_processors", "Processor('vault', 'metrics', 'export', make)", {"DISTROKIT_METRICS_READER": "vault"},
        "processor vault",
    ),
}  # fmt: skip


def vault(tmp_path, hook, declaration):
    source = f"""
        from distrokit import *

        def make(*given):
            {RAISES}

        @hookimpl
        def {hook}():
            return [{declaration}]
    """
    return [write_plugin(tmp_path, "vault", source)]


def parts(*options, env, path):
    """The checks of the group, and doctor's exit code."""
    result = in_process("doctor", "--json", *options, env=env, path=path)
    data = json.loads(result.stdout)
    assert (result.returncode, data["schema"]) == (0 if data["ok"] else 1, 1)
    return [check for check in data["checks"] if check["group"] == "parts"]


@pytest.mark.parametrize(("hook", "declaration", "env", "called"), KINDS.values(), ids=KINDS)
def test_a_factory_that_raises_is_named(tmp_path, hook, declaration, env, called):
    (check,) = parts("--offline", env=env, path=vault(tmp_path, hook, declaration))

    assert (check["id"], check["verdict"]) == ("build-failed", "fail")
    assert check["evidence"].startswith(f"{called} (plugin vault 1.0): LookupError: VAULT_TENANT is not set; ")
    assert check["remedy"]


def test_a_propagator_whose_factory_raises_is_named(tmp_path):
    # OpenTelemetry has to know the name; ours is asked first.
    path = vault(tmp_path, "distrokit_propagators", "Propagator('b3', make)")

    (check,) = parts("--offline", env={"OTEL_PROPAGATORS": "b3"}, path=path)

    assert check["evidence"].startswith("propagator b3 (plugin vault 1.0): LookupError: VAULT_TENANT is not set; ")


def test_a_configurator_that_cannot_be_loaded_is_named(tmp_path):
    points = {"_opentelemetry_tracer_configurator": {"vault": "vault_scopes:Nothing"}}
    path = [write_distribution(tmp_path, "vault", entry_points=points, modules={"vault_scopes": RAISES})]

    (check,) = parts("--offline", env={"OTEL_PYTHON_TRACER_CONFIGURATOR": "vault"}, path=path)

    assert check["evidence"].startswith("configurator vault: LookupError: VAULT_TENANT is not set; ")


@pytest.mark.parametrize("probe", ["None", "probe"])
def test_an_exporter_whose_factory_raises_is_named(tmp_path, probe):
    source = f"""
        from distrokit import Check, Exporter, hookimpl

        def make(options):
            {RAISES}

        def probe(options, send):
            yield Check("acme-way", "ok", "there is a way")

        @hookimpl
        def distrokit_exporters():
            return [Exporter("vault", "traces", make, probe={probe})]
    """
    env = {"OTEL_TRACES_EXPORTER": "vault", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

    result = in_process("doctor", "--json", env=env, path=[write_plugin(tmp_path, "vault", source)])

    failed = [c["evidence"] for c in json.loads(result.stdout)["checks"] if c["verdict"] == "fail"]
    assert failed == ["vault traces: LookupError: VAULT_TENANT is not set"]


STARTS = """
    import threading
    from pathlib import Path
    from distrokit import Processor, ResourceDetector, hookimpl
    from opentelemetry.sdk.trace import SpanProcessor

    class Started(SpanProcessor):
        def __init__(self, resource):
            self.ended = threading.Event()
            threading.Thread(target=self.ended.wait, name="started-by-a-part").start()
            Path(LOG).write_text(f"started for {resource.attributes.get('from.detector')}\\n")

        def shutdown(self):
            self.ended.set()
            with Path(LOG).open("a") as log:
                log.write("shut down\\n")

    @hookimpl
    def distrokit_processors():
        return [Processor("starts", "traces", "enrich", lambda context: Started(context.resource))]

    @hookimpl
    def distrokit_resource():
        return [ResourceDetector("acme", lambda: {"from.detector": "asked"})]
"""


@pytest.mark.parametrize(("options", "asked"), [([], "asked"), (["--offline"], "None")])
def test_what_is_started_is_shut_down_and_nothing_but_the_marked_items_is_sent(tmp_path, receiver, options, asked):
    log = tmp_path / "log"
    path = [write_plugin(tmp_path, "acme", STARTS.replace("LOG", repr(str(log))))]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "OTEL_SERVICE_NAME": "shop"}

    (check,) = parts(*options, env=env, path=path)

    assert (check["id"], check["verdict"]) == ("parts", "ok")
    assert log.read_text() == f"started for {asked}\nshut down\n"
    for thread in [thread for thread in threading.enumerate() if thread.name == "started-by-a-part"]:
        thread.join(10)
        assert not thread.is_alive()
    sent = [*receiver.store.spans(), *receiver.store.points(), *receiver.store.logs()]
    assert len(sent) == (0 if options else 3)
    assert all(item.attributes == {"distrokit.check": True} for item in sent)


@pytest.mark.parametrize(
    ("where", "evidence"),
    [("factory", "sampler slow is not built after 0 seconds"), ("shutdown", "is not shut down after 0 seconds")],
)
def test_a_part_that_hangs_is_named_and_not_waited_for(tmp_path, monkeypatch, where, evidence):
    monkeypatch.setattr(building, "PATIENCE", 0.3)
    source = f"""
        import time
        from distrokit import Sampler, hookimpl
        from opentelemetry.sdk.trace.sampling import StaticSampler, Decision

        class Slow(StaticSampler):
            def shutdown(self):
                time.sleep(60)

        def make(context):
            {"time.sleep(60)" if where == "factory" else "return Slow(Decision.DROP)"}

        @hookimpl
        def distrokit_samplers():
            return [Sampler("slow", make)]
    """
    path = [write_plugin(tmp_path, "acme", source)]

    (check,) = parts("--offline", env={"OTEL_TRACES_SAMPLER": "slow"}, path=path)

    assert (check["id"], check["verdict"]) == ("parts", "fail")
    assert evidence in check["evidence"]


def test_a_process_that_runs_has_built_its_parts_and_says_so_once(tmp_path):
    path = vault(tmp_path, "distrokit_samplers", "Sampler('vault', make)")
    env = {"OTEL_TRACES_SAMPLER": "vault", "DISTROKIT_DOCTOR": "offline", "OTEL_TRACES_EXPORTER": "console"}

    result = instrumented("print('runs')", env, path)

    assert result.stdout == "runs\n"
    line = "FAIL  build-failed: sampler vault (plugin vault 1.0): LookupError: VAULT_TENANT is not set; parentbased_always_on is used"
    assert [text.strip() for text in result.stderr.splitlines() if "FAIL  build-failed" in text] == [line]
    assert "\nparts\n" not in result.stderr


def test_a_transform_for_an_exporter_that_is_not_selected_is_not_built(tmp_path):
    declaration = "Processor('vault', 'traces', 'transform', make, exporters=('otlp/backup',))"
    path = vault(tmp_path, "distrokit_processors", declaration)

    (check,) = parts("--offline", env={}, path=path)

    assert check["verdict"] == "ok"
