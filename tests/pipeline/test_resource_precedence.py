"""Who wins where several say the same of a process: what was asked for over defaults, and of a list the later one."""

from __future__ import annotations

import json
import re

import pytest
from distributions import write_distribution, write_plugin
from processes import QUIET, configured, instrumented, said
from releases import needs_yaml

PROGRAM = """
    import json, os
    from opentelemetry import trace

    provider = trace.get_tracer_provider()

    def show():
        print(json.dumps(dict(provider.resource.attributes)), flush=True)

    show()
    if not os.fork():
        show()
        os._exit(0)
    os.wait()
"""
RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-.{17}")
INSTANCE = "service.instance.id"

DETECTORS = """
    from opentelemetry.sdk.resources import Resource, ResourceDetector

    class Azlike(ResourceDetector):
        def detect(self):
            return Resource({"service.instance.id": "vm-7", "host.name": "az", "who": "azlike", "service.name": "found"})

    class Second(ResourceDetector):
        def detect(self):
            return Resource({"who": "second", "host.name": "second"})
"""


@pytest.fixture
def path(tmp_path):
    points = {name: f"detectors:{name.capitalize()}" for name in ("azlike", "second")}
    return [
        write_distribution(
            tmp_path / "d", "d", "1", {"opentelemetry_resource_detector": points}, {"detectors": DETECTORS}
        )
    ]


def resources(path, detectors, **env):
    """The parent's, and its child's."""
    result = instrumented(PROGRAM, {**QUIET, "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": detectors, **env}, path)
    assert said(result) == []
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("detectors", "instance", "who", "host"),
    [
        ("azlike", "vm-7", "azlike", "az"),
        ("azlike,second", "vm-7", "second", "second"),
        ("second,azlike,second", "vm-7", "azlike", "az"),
        # A detector of a default that is named counts where it is named.
        ("azlike,service_instance,host", RANDOM, "azlike", None),
        ("*", "vm-7", "second", "second"),
        ("azlike,*", "vm-7", "second", "second"),
        ("*,azlike", "vm-7", "azlike", "az"),
    ],
)
def test_what_was_asked_for_wins_over_defaults_and_the_later_over_the_earlier(path, detectors, instance, who, host):
    parent, child = resources(path, detectors)

    if instance is RANDOM:
        assert RANDOM.fullmatch(parent[INSTANCE])
        assert RANDOM.fullmatch(child[INSTANCE])
        assert child[INSTANCE] != parent[INSTANCE]
        assert parent["host.name"] not in ("az", "second")
    else:
        # A child is an instance of its own, and says whose.
        assert parent[INSTANCE] == instance
        assert re.fullmatch(rf"{instance}-\d+", child[INSTANCE])
        assert parent["host.name"] == host
    assert parent["who"] == who
    assert parent["service.name"] == "found"
    assert parent["telemetry.distro.name"] == "distrokit"


def test_the_user_wins_over_detectors(path):
    given = {"OTEL_RESOURCE_ATTRIBUTES": f"{INSTANCE}=mine,who=me", "OTEL_SERVICE_NAME": "shop"}
    parent, child = resources(path, "azlike,second", **given)

    assert (parent[INSTANCE], parent["who"], parent["service.name"]) == ("mine", "me", "shop")
    assert child[INSTANCE].startswith("mine-")


@needs_yaml
def test_in_a_file_the_later_wins_too(path, tmp_path):
    file = """
        file_format: "1.0"
        tracer_provider: {processors: []}
        resource:
          detection/development:
            detectors: [{azlike:}, {second:}]
    """
    result = configured(PROGRAM, file, tmp_path, path=path)
    parent, _ = [json.loads(line) for line in result.stdout.splitlines()]

    assert (parent[INSTANCE], parent["who"], parent["host.name"]) == ("vm-7", "second", "second"), result.stderr


def test_a_plugins_detector_wins_over_the_default_ones_and_a_first_plugin_over_a_second(tmp_path):
    source = """
        from distrokit import ResourceDetector, hookimpl

        @hookimpl
        def distrokit_resource():
            return [ResourceDetector("{name}", lambda: {{"service.instance.id": "{name}", "os.type": "{name}"}})]
    """
    path = [write_plugin(tmp_path / name, name, source.format(name=name)) for name in ("aa", "bb")]
    parent, child = resources(path, "")

    assert (parent[INSTANCE], parent["os.type"]) == ("aa", "aa")
    assert child[INSTANCE].startswith("aa-")


def test_without_the_plugin_that_says_who_this_is_each_process_has_an_instance_id(path):
    parent, child = resources([], "", DISTROKIT_DISABLED_PLUGINS="resource")

    assert RANDOM.fullmatch(parent[INSTANCE])
    assert RANDOM.fullmatch(child[INSTANCE])
    assert child[INSTANCE] != parent[INSTANCE]
    # Found as with the plugin.
    assert resources(path, "azlike", DISTROKIT_DISABLED_PLUGINS="resource")[0][INSTANCE] == "vm-7"
