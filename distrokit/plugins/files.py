"""``DISTROKIT_PLUGIN_FILES``: a file of Python as a plugin, without a package around it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from distrokit.diagnostics import Mask, Problem
from distrokit.settings.layers import Settings

SETTING = "DISTROKIT_PLUGIN_FILES"
_URL = "://"


@dataclass(frozen=True)
class PluginFile:
    """One file.

    Attributes:
        path: as it was found; absolute.
        given: as the setting has it.
    """

    path: Path
    given: str

    @property
    def name(self) -> str:
        """The plugin's name: ``tweak`` of ``/etc/otel/tweak.py``."""
        return self.path.stem

    def load(self) -> ModuleType:
        """Run it, as a module of a name that nothing else has.

        Raises: whatever it raises; ``OSError`` when it cannot be read.
        """
        if not self.path.exists() and not Path(self.given).is_absolute():
            raise FileNotFoundError(f"{self.given!r} is relative to the working directory, and does not exist there")
        # Here, and not above: hardly any process has such a file.
        from importlib.util import module_from_spec, spec_from_file_location

        name = f"distrokit_plugin_file_{self.name}"
        spec = spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.path} is not a Python file")
        module = module_from_spec(spec)
        # As an import does: dataclasses and pickle look their module up.
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def plugin_files(settings: Settings, problems: list[Problem]) -> list[PluginFile]:
    """The files that are named.

    Args:
        problems: receives what is no path. A URL may hold a secret, which would be in the plugin's name.
    """
    given = settings.names(SETTING)
    problems += [
        Problem(
            code="setting-invalid",
            subject=f"{SETTING}={Mask()(name)}",
            cause="it is a URL, not the path of a file",
            outcome="it is not loaded",
            remedy="Download the file and name its path.",
        )
        for name in given
        if _URL in name
    ]
    # One that is named twice is one.
    files = {os.path.realpath(path): PluginFile(path, name) for name, path in _paths(given) if _URL not in name}
    return list(files.values())


def _paths(given: Iterable[str]) -> list[tuple[str, Path]]:
    found = []
    for name in given:
        path = Path(name)
        # Where nobody knows the home directory, the file is not found, and that is said.
        with suppress(RuntimeError):
            path = path.expanduser()
        found.append((name, path.absolute()))
    return found
