"""``DISTROKIT_PLUGIN_FILES``: Python files as plugins, without a package."""

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


@dataclass(frozen=True)
class PluginFile:
    """A file that is a plugin.

    Attributes:
        path: absolute.
        text: the path in the setting.
    """

    path: Path
    text: str

    @property
    def name(self) -> str:
        """The plugin's name: ``tweak`` of ``/etc/otel/tweak.py``."""
        return self.path.stem

    def load(self) -> ModuleType:
        """Run the file as a module with a unique name.

        Raises: any exception of the file; ``OSError`` if it cannot be read.
        """
        if not self.path.exists() and not Path(self.text).is_absolute():
            raise FileNotFoundError(f"{self.text!r} is relative to the working directory, and does not exist there")
        # Imported late: few processes have such a file.
        from importlib.util import module_from_spec, spec_from_file_location

        name = f"distrokit_plugin_file_{self.name}"
        spec = spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{self.path} is not a Python file")
        module = module_from_spec(spec)
        # dataclasses and pickle look their module up, as after an import.
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


def plugin_files(settings: Settings, problems: list[Problem]) -> list[PluginFile]:
    """Return the files that the setting names, each once.

    Args:
        problems: receives URLs, which are not loaded: a secret in one would be in the plugin's name.
    """
    names = settings.names(SETTING)
    problems += [
        Problem(
            code="setting-invalid",
            subject=f"{SETTING}={Mask()(name)}",
            cause="it is a URL or an address with a password, not the path of a file",
            outcome="it is not loaded",
            remedy="Download the file and name its path.",
        )
        for name in names
        if _is_url(name)
    ]
    paths = _expand(name for name in names if not _is_url(name))
    files = {os.path.realpath(path): PluginFile(path, name) for name, path in paths}
    return list(files.values())


def _is_url(name: str) -> bool:
    """True for a URL, and for ``user:password@host`` without a scheme."""
    return "://" in name or (not Path(name).is_absolute() and Mask()(name) != name)


def _expand(names: Iterable[str]) -> list[tuple[str, Path]]:
    found = []
    for name in names:
        path = Path(name)
        # Without a home directory the path stays as it is, and the file is reported as missing.
        with suppress(RuntimeError):
            path = path.expanduser()
        found.append((name, path.absolute()))
    return found
