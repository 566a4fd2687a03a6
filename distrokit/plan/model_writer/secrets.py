"""Values as written to the file: a secret becomes a reference to its variable, or ``****``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from distrokit.diagnostics import Mask
from distrokit.settings.secret_values import HIDDEN, without_secrets
from distrokit.settings.values import Source, Value


def escape(value: Any) -> Any:
    """Escape ``$`` as ``$$``, so that no part is read as a reference to a variable."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {name: escape(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(item) for item in value]
    return value


def write_value(value: Value[Any]) -> Any:
    """Return a component's plain value as written to the file; ``None`` for an empty secret."""
    if not value.secret:
        # A URL may contain a password.
        return escape(Mask()(value.value) if isinstance(value.value, str) else value.value)
    if not value.value:
        return None
    if reference := reference_to(value.source):
        return reference
    if isinstance(value.value, Mapping) and value.key == "headers_list":
        # Names are not secret, and with them the text is a valid list of headers.
        return ",".join(f"{quote(str(name), safe='')}={HIDDEN}" for name in value.value)
    if isinstance(value.value, Mapping) and value.source.kind == "file" and value.key:
        return escape(without_secrets(value.value))
    return HIDDEN


def reference_to(source: Source) -> Any:
    """Return a reference to the variable that holds a secret; empty if there is none."""
    if source.kind == "file":
        return source.written
    # A path to a secret is not the secret.
    in_variable = source.kind == "environment" and not source.name.partition("__")[0].endswith("_FILE")
    return f"${{{source.name}}}" if in_variable else ""
