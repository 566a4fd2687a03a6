"""Settings for the file's ``distribution: distrokit:``, and settings that a file cannot hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from distrokit.plan.model_writer.secrets import escape, reference_to
from distrokit.plan.plan import Plan
from distrokit.plan.selection.from_configuration_file import SCOPES
from distrokit.plan.selection_resolver import CONFIGURATORS
from distrokit.settings.layers import is_secret
from distrokit.settings.secret_values import HIDDEN
from distrokit.settings.settings_in_files import ENVIRONMENT_ONLY, is_of_one_instrumentation, own_name

_PREFIX = own_name("")
#: Settings that select parts, which the file names elsewhere.
_SELECTING = ("_PROCESSOR", "_READER")


def own_node(plan: Plan) -> dict[str, Any]:
    """Return every setting that is not a default, by its short name."""
    node = {}
    for name in _own_settings(plan):
        value = plan.settings.value(name)
        if value is not None and value.source.chosen and name not in ENVIRONMENT_ONLY:
            secret = is_secret(name)
            text = reference_to(value.source) or HIDDEN if secret else escape(value.value)
            node[name.removeprefix(_PREFIX).lower()] = text
    return node


def describe_left_out(plan: Plan) -> Iterator[str]:
    """Yield one sentence for each setting in effect that a configuration file cannot hold."""
    for name in ENVIRONMENT_ONLY:
        if plan.settings.lookup(name):
            yield f"{name} stays an environment variable: a file must not choose which code runs"
    own = set(_own_settings(plan))
    for name in sorted(plan.settings.names_set()):
        if "__" in name and name.partition("__")[0] in own:
            yield f"{name} is not in the file: a file cannot set it for a single exporter"
    for planned in plan.signals.values():
        if planned.configurator is not None:
            setting, key = CONFIGURATORS[planned.signal][0], SCOPES[planned.signal][0]
            yield f"{setting}={planned.configurator.name} is not in the file: write its rules as {key}"


def _own_settings(plan: Plan) -> Iterator[str]:
    for setting in plan.known:
        of_one = is_of_one_instrumentation(setting.name)
        if setting.name.startswith(_PREFIX) and not of_one and not setting.name.endswith(_SELECTING):
            yield setting.name
