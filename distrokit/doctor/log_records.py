"""The check whether records of the module ``logging`` become telemetry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution

from distrokit.declarations import Check
from distrokit.doctor.libraries import LOGGING, install
from distrokit.plan.plan import Plan

#: The keyword of the instrumentation that switches off the log records only.
_KEYWORD = "enable_log_auto_instrumentation"
#: The instrumentation reads this when the keyword is not given.
_VARIABLE = "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION"


def check_log_records(found: Mapping[str, Distribution], plan: Plan) -> Iterator[Check]:
    """Check that log records are captured, if logs are exported; yields nothing if they are not.

    Args:
        found: the installed distributions by normal name.
    """
    logs = plan.signals.get("logs")
    if plan.disabled.value or logs is None or not logs.exporters:
        return
    lost = "no record of the application's loggers becomes telemetry"
    item = plan.instrumentations.get("logging")
    if item is None:
        evidence = f"logs are exported, and {LOGGING} is not installed: {lost}"
        yield Check("log-records", "warn", evidence, install([LOGGING], found))
    elif not item.enabled:
        evidence = f"logs are exported, and the instrumentation logging is off ({item.why}): {lost}"
        yield Check("log-records", "warn", evidence, "Switch it on again, or export no logs.")
    elif item.options.get(_KEYWORD, plan.settings.get(_VARIABLE).lower() != "false") is False:
        source = item.sources.get(_KEYWORD) or _VARIABLE
        evidence = f"logs are exported, and {_KEYWORD} is false ({source}): {lost}"
        yield Check("log-records", "warn", evidence, f"Change or unset {source}.")
    else:
        yield Check("log-records", "ok", "records of the application's loggers become telemetry")
