"""Values as the written file has them: a secret is a reference to its variable, or ``****``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from distrokit.diagnostics import Mask
from distrokit.settings.secret_values import HIDDEN, without_secrets
from distrokit.settings.values import Source, Value


def escape(value: Any) -> Any:
    """With ``$`` as ``$$``, so that nothing in it is taken for a reference to a variable."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {name: escape(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(item) for item in value]
    return value


def write_value(value: Value[Any]) -> Any:
    """A plain value of a component; ``None`` for a secret that is empty."""
    if not value.secret:
        # A URL may hold a password all the same.
        return escape(Mask()(value.value) if isinstance(value.value, str) else value.value)
    if not value.value:
        return None
    if reference := reference_to(value.source):
        return reference
    if isinstance(value.value, Mapping) and value.key == "headers_list":
        # The names are no secrets, and with them it is a list of headers for whoever checks the file.
        return ",".join(f"{quote(str(name), safe='')}={HIDDEN}" for name in value.value)
    if isinstance(value.value, Mapping) and value.source.kind == "file" and value.key:
        return escape(without_secrets(value.value))
    return HIDDEN


def reference_to(source: Source) -> Any:
    """The variable that holds a secret, as the file refers to it; empty where there is none."""
    if source.kind == "file":
        return source.written
    # A path to a secret is not the secret.
    in_variable = source.kind == "environment" and not source.name.partition("__")[0].endswith("_FILE")
    return f"${{{source.name}}}" if in_variable else ""
