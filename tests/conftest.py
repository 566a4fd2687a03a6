"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attaching import make_wheels
from hypothesis import settings
from interpreters import Environment

from distrokit_dev.receiver import Receiver

#: Most examples are a plan, or a file, made anew: ``pytest --hypothesis-profile=thorough`` takes its time.
settings.register_profile("quick", max_examples=60, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("quick")

#: What depends neither on the interpreter nor on OpenTelemetry's release is run on one of each, to save time. Where that
#: is part of a file only, its tests are marked themselves.
ONCE = {
    "test_application_untouched",
    "test_asked_to_wait",
    "test_bad_input",
    "test_bundles",
    "test_check_plugin",
    "test_cli",
    "test_closed_distros",
    "test_coexistence",
    "test_collector",
    "test_compatibility",
    "test_config_command",
    "test_config_round_trip",
    "test_credential_files",
    "test_deferred_instrumentations",
    "test_demo",
    "test_diagnostics",
    "test_disabled",
    "test_distro_aws",
    "test_distro_azure",
    "test_distro_elastic",
    "test_distro_splunk",
    "test_distros",
    "test_docs",
    "test_doctor",
    "test_doctor_delivery",
    "test_doctor_elsewhere",
    "test_doctor_export_check",
    "test_doctor_packages",
    "test_doctor_parts",
    "test_end_to_end",
    "test_endpoints",
    "test_env_files",
    "test_example_distros",
    "test_explain",
    "test_explain_diff",
    "test_exporter_contract",
    "test_exporter_trust",
    "test_file_names",
    "test_frames",
    "test_hooks",
    "test_hooks_page",
    "test_hostile_plugins",
    "test_in_code",
    "test_instrumentations",
    "test_json_form",
    "test_launcher",
    "test_lazy_transports",
    "test_ledger",
    "test_leftovers",
    "test_log_capture_parts",
    "test_new",
    "test_other_defaults",
    "test_other_receivers",
    "test_otlp",
    "test_pages",
    "test_plan",
    "test_plugin_files",
    "test_project",
    "test_prometheus_workers",
    "test_quiet_grpc",
    "test_receiver",
    "test_request_size",
    "test_required_settings",
    "test_requirements",
    "test_resource_precedence",
    "test_response_propagators",
    "test_sdk_messages",
    "test_secrets",
    "test_sendable_headers",
    "test_servers",
    "test_spool",
    "test_spool_exporter",
    "test_tail",
    "test_tail_nothing",
    "test_tail_showing",
    "test_tls_files",
    "test_tls_renewal",
    "test_transform_losses",
    "test_transport",
    "test_user_attributes",
    "test_values_read_late",
    "test_ways",
    "test_whose_fault",
    "test_wrong_pairs",
    "test_yaml_nodes",
}


#: The processes that these start are not measured by coverage, which makes each start and each fork slower, and hangs in
#: children that are forked while other threads run. Other tests run the same code. A folder, or a file.
UNMEASURED = {
    "collector",
    "distros",
    "docs",
    "late",
    "test_applications",
    "test_bad_input",
    "test_bundles",
    "test_check_plugin",
    "test_delivery",
    "test_fork_storm",
    "test_forking",
    "test_hostile_plugins",
    "test_keeping",
    "test_metrics_reentrancy",
    "test_other_receivers",
    "test_own_opentelemetry",
    "test_prometheus_workers",
    "test_same_telemetry",
    "test_secrets",
    "test_servers",
    "test_span_reentrancy",
    "test_threads_and_signals",
    "wheels",
}


@pytest.fixture(autouse=True)
def _measure_only_some(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if {request.path.stem, request.path.parent.name} & UNMEASURED:
        monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in ONCE:
            item.add_marker("once")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A real OTLP receiver on free loopback ports."""
    with Receiver() as running:
        yield running


@pytest.fixture(scope="session")
def wheels(tmp_path_factory, worker_id) -> Path:
    """Every member's wheel; made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    return make_wheels((base if worker_id == "master" else base.parent) / "wheels-of-all")


@pytest.fixture
def environment(tmp_path, wheels) -> Environment:
    """A fresh one, with nothing in it."""
    return Environment(tmp_path / "venv", wheels)


@pytest.fixture
def without_coverage(monkeypatch):
    """Measure no coverage in the programs.

    With every new thread it takes modules away that others are importing, and its file may be closed by the program.
    """
    for name in [name for name in os.environ if name.startswith("COV")]:
        monkeypatch.delenv(name)
