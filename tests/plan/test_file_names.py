"""The version of a configuration file, and names of components in it that more than one package has, or none may."""

from __future__ import annotations

import json

import pytest
from commands import in_process
from distributions import write_distribution
from plans import planned, problems
from processes import configured, distrokit, said

pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")


def written(tmp_path, model):
    path = tmp_path / "otel.yaml"
    path.write_text(json.dumps({"file_format": "1.1", **model}))
    return path


# --------------------------------------------------------------------------------- version


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.0-rc.1", "1"])
def test_a_version_that_is_known_is_read_without_a_word(tmp_path, version):
    path = tmp_path / "otel.yaml"
    path.write_text(f'# comment\nfile_format: "{version}"\n')

    assert problems(planned({"OTEL_CONFIG_FILE": str(path)})) == []


@pytest.mark.parametrize("version", ["1.2", "1.99", "1.2-rc.1"])
def test_a_newer_minor_version_is_read_with_a_warning(tmp_path, version):
    path = tmp_path / "otel.yaml"
    path.write_text(
        f'# comment\nfile_format: "{version}"\nresource: {{attributes: [{{name: service.name, value: shop}}]}}\n'
    )

    plan = planned({"OTEL_CONFIG_FILE": str(path)})

    assert plan.resource.attributes["service.name"].value == "shop"
    (line,) = problems(plan)
    assert line.startswith(f"{path}:2:1 file_format={version}: the newest supported version is 1.1; ")


def test_the_warning_is_said_at_the_start(tmp_path):
    result = configured("print('runs')", 'file_format: "1.99"', tmp_path)

    assert result.stdout == "runs\n"
    (line,) = said(result)
    assert line.startswith("distrokit: otel.yaml:1:1 file_format=1.99: ")


# ---------------------------------------------------------------------------- one name, two

FILE = {
    "resource": {"detection/development": {"detectors": [{"acme": None}]}},
    "propagator": {"composite": [{"acme": None}]},
    "tracer_provider": {
        "processors": [{"simple": {"exporter": {"acme": None}}}],
        "sampler": {"acme": None},
        "id_generator": {"acme": None},
    },
    "meter_provider": {"readers": [{"periodic": {"exporter": {"acme": None}}}]},
    "logger_provider": {"processors": [{"simple": {"exporter": {"acme": None}}}]},
}
ENV = {
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "acme",
    "OTEL_PROPAGATORS": "acme",
    "OTEL_TRACES_EXPORTER": "acme",
    "OTEL_METRICS_EXPORTER": "acme",
    "OTEL_LOGS_EXPORTER": "acme",
    "OTEL_TRACES_SAMPLER": "acme",
    "OTEL_PYTHON_ID_GENERATOR": "acme",
}
KINDS = {
    "resource detector": ("opentelemetry_resource_detector",),
    "propagator": ("opentelemetry_propagator",),
    "sampler": ("opentelemetry_sampler", "opentelemetry_traces_sampler"),
    "id generator": ("opentelemetry_id_generator",),
    **{f"exporter for {s}": (f"opentelemetry_{s}_exporter",) for s in ("traces", "metrics", "logs")},
}


def two(tmp_path, groups_of_one, groups_of_two):
    """Two distributions with a component ``acme`` each; nothing of them is imported."""
    groups = {"one": groups_of_one, "two": groups_of_two}
    return [
        write_distribution(tmp_path / name, name, entry_points={group: {"acme": f"{name}:Part"} for group in found})
        for name, found in groups.items()
    ]


def explained(env, path):
    # In a process: the propagators are looked for in what is installed.
    return json.loads(distrokit("explain", "--json", env=env, path=path).stdout)


@pytest.mark.parametrize("by_file", [True, False])
@pytest.mark.parametrize("apart", [False, True])
def test_a_name_of_two_packages_is_an_error_that_names_both(tmp_path, by_file, apart):
    # A sampler may be published in either of two groups: by both packages in both, or by each in another one.
    groups = [[kind[at if apart else 0] if len(kind) > 1 else kind[0] for kind in KINDS.values()] for at in (0, 1)]
    path = two(tmp_path, *groups)
    env = {"OTEL_CONFIG_FILE": str(written(tmp_path, FILE))} if by_file else ENV

    plan = explained(env, path)

    found = {p["subject"].removesuffix(" acme"): (p["severity"], p["cause"]) for p in plan["problems"]}
    error = ("error", "one 1.0 and two 1.0 declare the same name")
    assert {kind: found.get(kind) for kind in KINDS} == dict.fromkeys(KINDS, error)
    assert (plan["sampler"], plan["id_generator"]) == (None, None)
    assert [signal["export"] for signal in plan["signals"].values()] == [[], [], []]


def test_one_package_with_a_sampler_in_both_groups_is_no_tie(tmp_path):
    path = two(tmp_path, KINDS["sampler"], ())

    plan = explained({"OTEL_TRACES_SAMPLER": "acme"}, path)

    assert plan["problems"] == []
    assert plan["sampler"]["name"] == "acme"


def test_a_name_of_two_packages_that_nobody_asks_for_is_no_problem(tmp_path):
    groups = [kind[0] for kind in KINDS.values()]

    assert explained({}, two(tmp_path, groups, groups))["problems"] == []


def test_a_configurator_of_two_packages_is_an_error(tmp_path):
    groups = ["_opentelemetry_tracer_configurator"]

    plan = explained({"OTEL_PYTHON_TRACER_CONFIGURATOR": "acme"}, two(tmp_path, groups, groups))

    (problem,) = plan["problems"]
    assert (problem["code"], problem["severity"]) == ("name-taken", "error")
    assert problem["cause"] == "one and two declare the same name"
    assert plan["signals"]["traces"]["configurator"] is None


def test_every_detector_but_those_that_two_packages_have(tmp_path):
    groups = KINDS["resource detector"]

    plan = explained({"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "*"}, two(tmp_path, groups, groups))

    assert [(p["code"], p["subject"]) for p in plan["problems"]] == [("name-taken", "resource detector acme")]
    assert "host" in [detector["name"] for detector in plan["resource"]["detectors"]]


# ------------------------------------------------------------------------------------ otlp


@pytest.mark.parametrize("properties", [None, {"endpoint": "http://127.0.0.1:9"}])
def test_otlp_is_no_exporter_of_a_file(tmp_path, properties):
    processors = [{"simple": {"exporter": {name: None}}} for name in ("console", "otlp_grpc")]
    processors.append({"simple": {"exporter": {"otlp": properties}}})
    path = written(tmp_path, {"tracer_provider": {"processors": processors}})

    plan = planned({"OTEL_CONFIG_FILE": str(path)})
    validated = in_process("config", "validate", str(path))

    (line,) = problems(plan)
    assert line.startswith(f"{path}:1:")
    assert line.endswith(
        " otlp: in a configuration file, the exporter's name includes the transport; it is left out. Write otlp_http or otlp_grpc."
    )
    assert validated.stdout == line + "\n"
    assert [item.exporter.name for item in plan.signals["traces"].exporters] == ["console", "otlp_grpc"]
