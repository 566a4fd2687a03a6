"""Calls a function after the application has imported a module, without importing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from threading import get_ident
from types import ModuleType
from typing import Any


def after_import(name: str, call: Callable[[ModuleType], None]) -> None:
    """Call a function with a module as soon as it is imported; at once if it already is.

    After an import that raised, the next one counts.

    Args:
        name: the module's full name.
        call: must not raise. It is called once, in the importing thread, before the importing code continues.
    """
    module = sys.modules.get(name)
    if module is not None:
        call(module)
    else:
        sys.meta_path.insert(0, _Finder(name, call))


class _Finder:
    """A finder that comes before all others until its module is imported; it asks the others to find it."""

    def __init__(self, name: str, call: Callable[[ModuleType], None]) -> None:
        self._name, self._call = name, call
        # Another library's finder may ask all finders in turn, this one included.
        self._asking: set[int] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        here = get_ident()
        if fullname != self._name or here in self._asking:
            return None
        self._asking.add(here)
        try:
            for finder in list(sys.meta_path):
                # A finder in the style before Python 3.4 has no such method.
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(fullname, path, target) if find else None
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, self._on_import)  # type: ignore[assignment]  # no subclass of Loader
                    return spec
        finally:
            self._asking.discard(here)
        return None

    def _on_import(self, module: ModuleType) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            self._call(module)


class _Loader:
    """A module's own loader plus a call after loading; the module sees only its own loader."""

    def __init__(self, loader: Any, on_import: Callable[[ModuleType], None]) -> None:
        self._loader, self._on_import = loader, on_import

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._on_import(module)
