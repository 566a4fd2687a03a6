"""Makes the packages of a folder importable, without an entry on ``sys.path``."""

from __future__ import annotations

import sys
from _thread import get_ident

from .decision import ASIDE, FOLDERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution, DistributionFinder
    from types import ModuleType
    from typing import Any

    from .decision import Decision

_SHARED = "opentelemetry"


class AttachedFinder:
    """Finds the modules and the metadata of a folder's packages.

    ``opentelemetry`` is a namespace package, of which the application may have parts: the folder's parts come before
    or after them, as decided. Of other packages that both have, the application's is imported.

    Args:
        folder: where the packages are.
        contents: of the folder, see ``distrokit_build.contents``.
        decision: for this process.
        decide: called when ``opentelemetry`` is imported, to decide again if the path has changed.

    Attributes:
        root: the folder as the user named it.
        decision: the last decision.
        changed: true if that is not the first one.
    """

    def __init__(
        self,
        root: str,
        folder: str,
        contents: Mapping[str, Any],
        decision: Decision,
        decide: Callable[[AttachedFinder], Decision],
    ) -> None:
        self.root, self.folder, self.contents, self.decision = root, folder, contents, decision
        self._decide = decide
        self.changed = False
        self._epoch = 0
        self._modules = frozenset(contents["modules"])
        #: Threads with the names that they are looking for elsewhere.
        self._asking: set[tuple[int, str]] = set()

    # ------------------------------------------------------------------------- modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :meth:`importlib.abc.MetaPathFinder.find_spec`."""
        # Finders of other libraries ask all finders in turn, this one included.
        if fullname not in self._modules or (get_ident(), fullname) in self._asking:
            return None
        if fullname == _SHARED:
            self.decide_again()
            return self._find_shared() if self.takes_part else None
        theirs = None if fullname.startswith(("distrokit", "_distrokit")) else self._find_elsewhere(fullname)
        # A folder of that name is no package.
        if theirs is not None and theirs.loader is not None:
            return theirs
        spec: ModuleSpec | None = _path_finder().find_spec(fullname, [self.folder])
        return spec

    def _find_shared(self) -> ModuleSpec:
        theirs = self._find_elsewhere(_SHARED)
        own = f"{self.folder}/{_SHARED}"
        if theirs is not None and theirs.loader is not None and theirs.submodule_search_locations is not None:
            # Not a namespace package, but one with an `__init__`.
            locations = [*theirs.submodule_search_locations]
            theirs.submodule_search_locations[:] = [own, *locations] if self.comes_first else [*locations, own]
            return theirs
        # With a loader, since some libraries rebuild the path of what they take for an ordinary namespace package.
        spec: ModuleSpec = type(__spec__)(_SHARED, _NamespaceLoader(), is_package=True)  # type: ignore[arg-type]
        spec.submodule_search_locations = AttachedNamespacePath(self, own)  # type: ignore[assignment]  # like a list
        return spec

    def extend(self, module: ModuleType) -> None:
        """Add the folder's part to an ``opentelemetry`` that is imported already."""
        module.__path__ = AttachedNamespacePath(self, f"{self.folder}/{_SHARED}")  # type: ignore[assignment]

    def decide_again(self) -> bool:
        """Decide again, where the application has changed its path; return whether the decision is another one."""
        before, self.decision = self.decision, self._decide(self)
        self.changed = self.changed or before is not self.decision
        return before is not self.decision

    @property
    def takes_part(self) -> bool:
        """True if distrokit runs in this process."""
        return self.decision.mode != ASIDE

    @property
    def comes_first(self) -> bool:
        """True if the folder's OpenTelemetry is used instead of the application's."""
        return self.decision.mode == FOLDERS

    def _find_elsewhere(self, name: str) -> ModuleSpec | None:
        key = (get_ident(), name)
        self._asking.add(key)
        try:
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                if finder is self or find is None or type(finder).__name__ == "ImportHook":
                    continue
                spec: ModuleSpec | None = find(name, None)
                if spec is not None:
                    return spec
        finally:
            self._asking.discard(key)
        return None

    def locations_elsewhere(self) -> list[str]:
        """Return the folders of the application's parts of ``opentelemetry``."""
        spec = self._find_elsewhere(_SHARED)
        return [*(spec.submodule_search_locations or ())] if spec is not None else []

    def invalidate_caches(self) -> None:
        """See :meth:`importlib.abc.MetaPathFinder.invalidate_caches`."""
        self._epoch += 1

    def state_of_path(self) -> tuple[object, ...]:
        """Return what the application's parts of ``opentelemetry`` depend on."""
        return self._epoch, *sys.path

    # ------------------------------------------------------------------------- metadata

    def packages(self) -> Iterator[tuple[str, str, dict[str, list[tuple[str, str]]]]]:
        """Yield normalized name, metadata folder and entry points of the distributions that take part."""
        for name, package in self.contents["packages"].items():
            if self.offers(name):
                yield name, f"{self.folder}/{package['metadata']}", package["entry_points"]

    def offers(self, name: str) -> bool:
        """Tell whether a distribution of the folder, by its normalized name, takes part in this process."""
        return name in self.decision.offered

    def owns(self, distribution: Distribution) -> bool:
        """Tell whether a distribution is in the folder."""
        return str(distribution.locate_file("")).rstrip("/") == self.folder.rstrip("/")

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """See :meth:`importlib.metadata.MetadataPathFinder.find_distributions`; yields nothing for a given path."""
        name = getattr(context, "name", None)
        if vars(context).get("path", sys.path) is not sys.path if context is not None else False:
            return
        from importlib.metadata import Distribution
        from pathlib import Path

        wanted = None if name is None else _normalize(str(name))
        for normal, package in self.contents["packages"].items():
            if wanted in (None, normal) and self.offers(normal):
                yield Distribution.at(Path(self.folder, package["metadata"]))


class AttachedNamespacePath:
    """The ``__path__`` of ``opentelemetry``: the folder's part and the application's, which follow ``sys.path``."""

    def __init__(self, finder: AttachedFinder, own: str) -> None:
        self._finder, self._own, self._added = finder, own, list[str]()
        #: The state of the path, and the application's parts in it; replaced at once, since threads import.
        self._seen: tuple[tuple[object, ...], list[str]] | None = None

    def _theirs(self) -> list[str]:
        state = self._finder.state_of_path()
        if self._seen is None or self._seen[0] != state:
            self._seen = state, self._finder.locations_elsewhere()
        return self._seen[1]

    def _current(self) -> list[str]:
        theirs = [*self._theirs(), *self._added]
        return [self._own, *theirs] if self._finder.comes_first else [*theirs, self._own]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def __getitem__(self, at: Any) -> Any:
        return self._current()[at]

    def __setitem__(self, at: Any, value: Any) -> None:
        self._added = [
            entry for entry in _with(self._current(), at, value) if entry not in (self._own, *self._theirs())
        ]

    def __contains__(self, entry: object) -> bool:
        return entry in self._current()

    def append(self, entry: str) -> None:
        """See :meth:`list.append`."""
        self._added.append(entry)

    def __repr__(self) -> str:
        return f"AttachedNamespacePath({self._current()!r})"


class _NamespaceLoader:
    """The loader of ``opentelemetry``, which has no code; as :class:`importlib.machinery.NamespaceLoader`."""

    def create_module(self, spec: ModuleSpec) -> None:
        """See :meth:`importlib.abc.Loader.create_module`."""

    def exec_module(self, module: ModuleType) -> None:
        """See :meth:`importlib.abc.Loader.exec_module`."""
        module.__file__ = None

    def is_package(self, fullname: str) -> bool:
        """See :meth:`importlib.abc.InspectLoader.is_package`."""
        return True

    def get_source(self, fullname: str) -> str:
        """See :meth:`importlib.abc.InspectLoader.get_source`."""
        return ""

    def get_code(self, fullname: str) -> Any:
        """See :meth:`importlib.abc.InspectLoader.get_code`."""
        return compile("", "<string>", "exec", dont_inherit=True)

    def get_resource_reader(self, fullname: str) -> Any:
        """See :meth:`importlib.abc.Loader.get_resource_reader`."""
        from importlib import import_module

        readers = import_module("importlib.readers" if sys.version_info < (3, 11) else "importlib.resources.readers")
        return readers.NamespaceReader(sys.modules[fullname].__path__)


def _with(entries: list[str], at: Any, value: Any) -> list[str]:
    entries[at] = value
    return entries


def _normalize(name: str) -> str:
    """Normalize a distribution's name (Python packaging, *Names and normalization*)."""
    return "-".join(filter(None, name.lower().replace("_", "-").replace(".", "-").split("-")))


def _path_finder() -> Any:
    """Return Python's finder for ``sys.path``; without importlib, which is not imported yet."""
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == "PathFinder":
            return finder
    from importlib.machinery import PathFinder

    return PathFinder
