"""A distro that says what all of its plugins are, and which of them need not be installed."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from distributions import write_distribution
from processes import QUIET, instrumented, said

from distrokit import Distro


def closed(folder, optional="()", plugins='("acme", "otlp", "batch", "resource", "components")'):
    source = f"""
        from distrokit import Distro, hookimpl

        DISTRO = Distro(name="acme", version="1.0", closed=True, plugins={plugins}, optional={optional})

        @hookimpl
        def distrokit_resource(settings):
            return {{"from.acme": True}}
    """
    points = {
        "distrokit.distro": {"acme": "acme_otel:DISTRO"},
        "opentelemetry_distro": {"acme": "distrokit.launch.distro:DistrokitDistro"},
        "distrokit": {"acme": "acme_otel"},
    }
    return [write_distribution(folder / "acme", "acme-otel", "1.0", points, {"acme_otel": source})]


def explained(path, **env):
    return json.loads(in_process("explain", "--json", env=env, path=path).stdout)


def test_an_optional_plugin_is_loaded_where_it_is_installed_and_missed_nowhere_else(tmp_path):
    path = closed(tmp_path, '("dev", "gone")')
    plan = explained(path)

    assert plan["problems"] == []
    assert (plan["distro"]["plugins"][0], plan["distro"]["optional"]) == ("acme", ["dev", "gone"])
    status = {plugin["name"]: plugin["status"] for plugin in plan["plugins"]}
    assert (status["dev"], status["spool"]) == ("loaded", "blocked")
    assert in_process("tail", "--help", path=path).returncode == 0
    assert said(instrumented("", QUIET, path)) == []


def test_they_stand_behind_the_others_in_their_order(tmp_path):
    order = json.loads(in_process("plugins", "--json", path=closed(tmp_path, '("spool", "dev")')).stdout)["call_order"]

    assert order["distrokit_settings"] == ["otlp", "batch", "components", "spool"]


def test_one_that_is_not_optional_is_missed_with_both_ways_out(tmp_path):
    (problem,) = explained(closed(tmp_path, plugins='("acme", "gone")'))["problems"][:1]

    assert problem["cause"] == "it lists the plugin 'gone', which is not installed"
    assert problem["remedy"] == "Install its package, or move it to the distro's optional."


@pytest.mark.parametrize("command", ["tail", "demo", "new"])
def test_a_command_of_a_plugin_that_it_leaves_out_says_so(tmp_path, command):
    result = in_process(command, path=closed(tmp_path))

    assert result.returncode == 2
    assert result.stderr == (
        f"distrokit: {command} is a command of plugin dev (distrokit-dev 0.1.0), which is installed but not loaded: distro "
        "acme is closed and does not list it. Add 'dev' to the distro's optional, or set OTEL_PYTHON_DISTRO=distrokit for "
        "this command.\n"
    )
    assert (
        in_process(command, "--help", env={"OTEL_PYTHON_DISTRO": "distrokit"}, path=closed(tmp_path / "b")).returncode
        == 0
    )


def test_a_command_of_a_plugin_that_is_blocked_says_by_whom():
    result = in_process("tail", env={"DISTROKIT_DISABLED_PLUGINS": "dev"})

    assert result.stderr.endswith("installed but not loaded: DISTROKIT_DISABLED_PLUGINS has 'dev'.\n")


def test_what_is_no_tuple_of_names_is_refused_where_it_is_written():
    with pytest.raises(TypeError, match=r"^Distro\.optional is a tuple of names$"):
        Distro(name="acme", version="1", optional="dev")  # type: ignore[arg-type]
