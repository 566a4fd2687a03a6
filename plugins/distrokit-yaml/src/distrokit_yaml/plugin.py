"""Reads the file that ``OTEL_CONFIG_FILE`` names, and adds the command ``distrokit config``."""

from __future__ import annotations

from distrokit import Command, Configuration, Settings, hookimpl


@hookimpl(trylast=True)
def distrokit_configuration(settings: Settings) -> Configuration | None:
    """Read the file; import PyYAML and jsonschema only if there is one."""
    path = settings.get("OTEL_CONFIG_FILE")
    if not path:
        return None
    from distrokit_yaml.reading import read_configuration

    return read_configuration(path, settings.environ)


@hookimpl
def distrokit_commands() -> list[Command]:
    """Add ``distrokit config validate`` and ``distrokit config show``."""
    from distrokit_yaml.commands import CONFIG

    return [CONFIG]
