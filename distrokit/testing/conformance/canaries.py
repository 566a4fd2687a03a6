"""Checks for leaked secrets: each secret setting gets a unique text, which must not appear anywhere."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping

from distrokit.settings.layers import is_secret
from distrokit.testing.conformance.building import Subject, check_pipelines
from distrokit.testing.conformance.declaring import own_settings
from distrokit.testing.conformance.recording import record
from distrokit.testing.conformance.report import ConformanceReport
from distrokit.testing.memory import plan_in_memory, run_in_memory

#: Read by every OTLP exporter; a plugin that uses headers must not show them.
_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


def secrets_of(name: str, module: object, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a unique text for each setting that holds a secret."""
    names = dict.fromkeys([_HEADERS, *(s.name for s in own_settings(name, module, environ) if is_secret(s.name))])
    return {name: f"canary{number:03d}9f86d081884c7d65" for number, name in enumerate(names)}


def with_secrets(environ: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the secrets."""
    values = {name: f"x-canary={text}" if name.endswith("_HEADERS") else text for name, text in secrets.items()}
    return {**environ, **values}


def find_leaks(subject: Subject, secrets: Mapping[str, str], report: ConformanceReport) -> Iterator[str]:
    """Search for secrets in what the tools show and in the telemetry; the parent searches the output."""
    assembly = plan_in_memory({subject.name: subject.module}, subject.environ, installed=True)
    report.doing("explaining, with secrets")
    plan = assembly.plan
    checks = assembly.plugins.checks(plan)
    yield from find_secrets(secrets, "the output of distrokit explain", _explain(plan))
    yield from find_secrets(secrets, "plan.describe()", json.dumps(plan.describe(), default=repr))
    yield from find_secrets(secrets, "a check of distrokit doctor", repr([check for _, check in checks]))
    report.doing("recording, with secrets")
    with run_in_memory(assembly, subject.environ) as telemetry:
        record(telemetry)
        items = [*telemetry.spans(), *telemetry.metrics(), *telemetry.logs()]
        yield from find_secrets(secrets, "the telemetry itself", repr([vars(item) for item in items]))
    # Run everything again for its output; the findings are known from the stage before.
    for _ in check_pipelines(subject, report):
        pass


def _explain(plan: object) -> str:
    from distrokit.cli.explain import print_text

    with contextlib.redirect_stdout(io.StringIO()) as stream:
        print_text(plan)  # type: ignore[arg-type]  # a plan
    return stream.getvalue()


def find_secrets(secrets: Mapping[str, str], where: str, text: str) -> Iterator[str]:
    """Yield a finding for each secret in a text."""
    for name, secret in secrets.items():
        if secret in text:
            yield f"the value of {name} is in {where}; it is a secret. Leave it out, or show only its name and length."
