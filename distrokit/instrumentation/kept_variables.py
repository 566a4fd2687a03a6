"""Sets the environment variables that instrumentations read, for the whole life of the process.

Some are read while an instrumentation is applied, others when the application makes a client or middleware, or at every
request (``opentelemetry.util.http.get_custom_headers``, ``sanitize_method``). This differs between instrumentations and
their releases.
"""

from __future__ import annotations

from distrokit.plan.plan import Plan
from distrokit.settings.environ import keep
from distrokit.settings.known_settings import read_by_instrumentations
from distrokit.settings.layers import is_secret


def keep_variables(plan: Plan) -> None:
    """Set the variables whose values come from a configuration file, code or a plugin, except secrets."""
    texts = {}
    for name in sorted(plan.settings.names_set()):
        value = plan.settings.value(name)
        if value is None or value.value == plan.settings.environ.get(name, "").strip() or is_secret(name):
            continue
        if read_by_instrumentations(name, plan.known):
            texts[name] = value.value
    keep(texts)
