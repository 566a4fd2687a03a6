"""Makes the packages of a folder importable, without an entry on ``sys.path``."""

from __future__ import annotations

import sys
from _thread import get_ident

from .decision import DISABLED, FOLDER_FIRST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution, DistributionFinder
    from types import ModuleType
    from typing import Any

    from .decision import Decision

_NAMESPACE = "opentelemetry"


class AttachedFinder:
    """Finds the modules and the metadata of a folder's packages.

    ``opentelemetry`` is a namespace package, of which the application may have parts: the folder's parts come before
    or after them, as decided. Of other packages that both have, the application's is imported.

    Args:
        root: the folder as the user named it.
        folder: where its packages are.
        contents: of the folder, see ``distrokit_build.contents``.
        decide: makes the decision for this process; called now and when ``opentelemetry`` is imported.

    Attributes:
        decision: the last decision.
        changed: true if that is not the first one.
    """

    def __init__(
        self, root: str, folder: str, contents: Mapping[str, Any], decide: Callable[[AttachedFinder], Decision]
    ) -> None:
        self.root, self.folder, self.contents, self._decide = root, folder, contents, decide
        self._modules = frozenset(contents["modules"])
        #: Each thread that asks other finders, with the module that it asks for.
        self._asking: set[tuple[int, str]] = set()
        self._epoch = 0
        self.changed = False
        self.decision = decide(self)

    # ------------------------------------------------------------------------- modules

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :meth:`importlib.abc.MetaPathFinder.find_spec`."""
        # Finders of other libraries ask all finders in turn, this one included.
        if fullname not in self._modules or (get_ident(), fullname) in self._asking:
            return None
        if fullname == _NAMESPACE:
            self.decide_again()
            return self._find_namespace() if self.is_enabled else None
        theirs = None if fullname.startswith(("distrokit", "_distrokit")) else self._ask_others(fullname)
        # A folder of that name is no package.
        if theirs is not None and theirs.loader is not None:
            return theirs
        spec: ModuleSpec | None = _path_finder().find_spec(fullname, [self.folder])
        return spec

    def _find_namespace(self) -> ModuleSpec:
        theirs = self._ask_others(_NAMESPACE)
        own = f"{self.folder}/{_NAMESPACE}"
        if theirs is not None and theirs.loader is not None and theirs.submodule_search_locations is not None:
            # Not a namespace package, but one with an `__init__`.
            locations = [*theirs.submodule_search_locations]
            theirs.submodule_search_locations[:] = [own, *locations] if self.folder_first else [*locations, own]
            return theirs
        # With a loader, since some libraries rebuild the path of what they take for an ordinary namespace package.
        spec: ModuleSpec = type(__spec__)(_NAMESPACE, _NamespaceLoader(), is_package=True)  # type: ignore[arg-type]
        spec.submodule_search_locations = AttachedNamespacePath(self, own)  # type: ignore[assignment]  # like a list
        return spec

    def extend(self, module: ModuleType) -> None:
        """Add the folder's part to an ``opentelemetry`` that is imported already."""
        module.__path__ = AttachedNamespacePath(self, f"{self.folder}/{_NAMESPACE}")  # type: ignore[assignment]

    def decide_again(self) -> None:
        """Make the decision again: the application may have changed its path."""
        before, self.decision = self.decision, self._decide(self)
        self.changed = self.changed or before is not self.decision

    @property
    def is_enabled(self) -> bool:
        """True if distrokit runs in this process."""
        return self.decision.mode != DISABLED

    @property
    def folder_first(self) -> bool:
        """True if the folder's OpenTelemetry is used instead of the application's."""
        return self.decision.mode == FOLDER_FIRST

    def _ask_others(self, name: str) -> ModuleSpec | None:
        key = (get_ident(), name)
        self._asking.add(key)
        try:
            for finder in list(sys.meta_path):
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(name, None) if find else None
                if spec is not None:
                    return spec
        finally:
            self._asking.discard(key)
        return None

    def find_application_parts(self) -> list[str]:
        """Return the folders of the application's parts of ``opentelemetry``."""
        spec = self._ask_others(_NAMESPACE)
        return [*(spec.submodule_search_locations or ())] if spec is not None else []

    def invalidate_caches(self) -> None:
        """See :meth:`importlib.abc.MetaPathFinder.invalidate_caches`."""
        self._epoch += 1

    def state_of_path(self) -> tuple[object, ...]:
        """Return what the application's parts of ``opentelemetry`` depend on."""
        return self._epoch, *sys.path

    # ------------------------------------------------------------------------- metadata

    def packages(self) -> Iterator[tuple[str, str, dict[str, list[tuple[str, str]]]]]:
        """Yield normalized name, metadata folder and entry points of the visible distributions."""
        for name, package in self.contents["packages"].items():
            if self.is_visible(name):
                yield name, f"{self.folder}/{package['metadata']}", package["entry_points"]

    def is_visible(self, name: str) -> bool:
        """Tell whether distrokit uses a distribution of the folder in this process; by its normalized name."""
        return name in self.decision.visible

    def owns(self, distribution: Distribution) -> bool:
        """Tell whether a distribution is in the folder."""
        return str(distribution.locate_file("")).rstrip("/") == self.folder.rstrip("/")

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """See :meth:`importlib.metadata.MetadataPathFinder.find_distributions`; yields nothing for a given path."""
        given: dict[str, Any] = {} if context is None else vars(context)
        if given.get("path", sys.path) is not sys.path:
            return
        from importlib.metadata import Distribution
        from pathlib import Path

        name = given.get("name")
        # Imported by name: this package is also imported before distrokit can be.
        normalize = __import__("distrokit.lazy.entry_point_files", fromlist=("",)).normalize
        wanted = None if name is None else normalize(name)
        for normal, package in self.contents["packages"].items():
            if wanted in (None, normal) and self.is_visible(normal):
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
            self._seen = state, self._finder.find_application_parts()
        return self._seen[1]

    def _current(self) -> list[str]:
        theirs = [*self._theirs(), *self._added]
        return [self._own, *theirs] if self._finder.folder_first else [*theirs, self._own]

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def __getitem__(self, at: Any) -> Any:
        return self._current()[at]

    def __setitem__(self, at: Any, value: Any) -> None:
        changed = self._current()
        changed[at] = value
        self._added = [entry for entry in changed if entry not in (self._own, *self._theirs())]

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


def _path_finder() -> Any:
    """Return Python's finder for ``sys.path``; without importlib, which is not imported yet."""
    for finder in sys.meta_path:
        if getattr(finder, "__name__", "") == "PathFinder":
            return finder
    from importlib.machinery import PathFinder

    return PathFinder
