"""Secrets with texts that are nowhere else: wherever one turns up, it was shown."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping

from distrokit.settings.layers import is_secret
from distrokit.testing.conformance.building import Subject, looked_at
from distrokit.testing.conformance.declaring import own_settings
from distrokit.testing.conformance.recording import record
from distrokit.testing.conformance.report import Report
from distrokit.testing.memory import kept_in_memory, with_memory

#: Read by every exporter over OTLP; whoever takes headers over is not to show them.
_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"


def secrets_of(name: str, module: object, environ: Mapping[str, str]) -> dict[str, str]:
    """A text for each setting that holds a secret."""
    names = dict.fromkeys([_HEADERS, *(s.name for s in own_settings(name, module, environ) if is_secret(s.name))])
    return {name: f"canary{number:03d}9f86d081884c7d65" for number, name in enumerate(names)}


def given(environ: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment with them."""
    shown = {name: f"x-canary={text}" if name.endswith("_HEADERS") else text for name, text in secrets.items()}
    return {**environ, **shown}


def looked_for(subject: Subject, secrets: Mapping[str, str], report: Report) -> Iterator[str]:
    """Where a secret is seen: in what tools show, and in the telemetry itself. What is printed, the parent reads."""
    assembly = with_memory({subject.name: subject.module}, subject.environ, installed=True)
    report.doing("explaining, with secrets")
    plan = assembly.plan
    checks = assembly.plugins.checks(plan)
    yield from _seen(secrets, "what distrokit explain prints", _explained(plan))
    yield from _seen(secrets, "plan.describe()", json.dumps(plan.describe(), default=repr))
    yield from _seen(secrets, "a check of distrokit doctor", repr([check for _, check in checks]))
    report.doing("recording, with secrets")
    with kept_in_memory(assembly, subject.environ) as telemetry:
        record(telemetry)
        items = [*telemetry.spans(), *telemetry.metrics(), *telemetry.logs()]
        yield from _seen(secrets, "the telemetry itself", repr([vars(item) for item in items]))
    # The same once more, for what is printed meanwhile; what is wrong otherwise has been said.
    for _ in looked_at(subject, report):
        pass


def printed(secrets: Mapping[str, str], where: str, text: str) -> Iterator[str]:
    """As the parent looks at what the process wrote."""
    return _seen(secrets, where, text)


def _explained(plan: object) -> str:
    from distrokit.cli.explain import print_text

    with contextlib.redirect_stdout(io.StringIO()) as stream:
        print_text(plan)  # type: ignore[arg-type]  # a plan
    return stream.getvalue()


def _seen(secrets: Mapping[str, str], where: str, text: str) -> Iterator[str]:
    for name, secret in secrets.items():
        if secret in text:
            yield f"the value of {name} is in {where}; it is a secret. Leave it out, or say its name and length."
