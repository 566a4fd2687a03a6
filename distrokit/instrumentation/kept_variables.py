"""The variables that instrumentations may read at any time, set for the whole life of the process.

Some are read while an instrumentation is applied, others when the application makes a client or a middleware, or at
every request (``opentelemetry.util.http.get_custom_headers``, ``sanitize_method``). Which is which differs between
instrumentations and their releases.
"""

from __future__ import annotations

import re

from distrokit.environ import keep
from distrokit.plan import Plan
from distrokit.settings import LAUNCHER_PREFIX, is_secret

#: The consumer of settings that instrumentations read; see :class:`distrokit.Setting`.
INSTRUMENTATIONS = "instrumentations"

#: Names of which every instrumentation may have its own.
_FAMILIES = re.compile(r"OTEL_(PYTHON|INSTRUMENTATION)_\w+")


def keep_variables(plan: Plan) -> None:
    """Set what a configuration file, code or a plugin gives for instrumentations; a secret is not set."""
    consumers = {setting.name: setting.consumer for setting in plan.known}
    texts = {}
    for name in sorted(plan.settings.names_set()):
        family = _FAMILIES.fullmatch(name) and not name.startswith(LAUNCHER_PREFIX + "DISTROKIT_")
        value = plan.settings.value(name)
        if (
            value is not None
            and value.source.kind != "environment"
            and consumers.get(name, INSTRUMENTATIONS if family else "") == INSTRUMENTATIONS
            and not is_secret(name)
        ):
            texts[name] = value.value
    keep(texts)
