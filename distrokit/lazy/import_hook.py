"""Calls functions after the application has imported modules, without importing them."""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

#: Packages that the start of distrokit imports itself, beside opentelemetry's: it must not begin while one of them is
#: half-imported.
_NEEDED = (
    "google",
    "grpc",
    "packaging",
    "pluggy",
    "psutil",
    "requests",
    "typing_extensions",
    "urllib3",
    "wrapt",
    "yaml",
)


def current_thread_or_greenlet() -> int:
    """Return an id of the running thread, or of the running greenlet where gevent or eventlet is used."""
    greenlet: Any = sys.modules.get("greenlet")
    if ("gevent" in sys.modules or "eventlet" in sys.modules) and hasattr(greenlet, "getcurrent"):
        return id(greenlet.getcurrent())
    return get_ident()


class ImportHook:
    """A finder that comes before all others, asks them for the module, and observes how it is executed.

    A *trigger* is the name of a module that somebody waits for. It fires at the end of the outermost import of a
    *library* in the importing thread: libraries are the triggers' top-level packages, everything below
    ``opentelemetry``, and the packages that distrokit itself needs. So an instrumentation never meets a library that is
    half-imported: urllib3 inside of requests, click inside of flask, starlette inside of fastapi. A trigger in Python's
    own library fires at once, since libraries import its functions by name.

    Args:
        fired: called with the triggers that have fired, in the importing thread, before the importing code continues;
            and with whether it may wait for another thread: not if that may need what this one is importing. Must not
            raise.

    Attributes:
        owner: the object that made it.
    """

    def __init__(self, fired: Callable[[list[str], bool], None], owner: object = None) -> None:
        self._report, self.owner = fired, owner
        self._calls: dict[str, list[Callable[[ModuleType], None]]] = {}
        self._before: dict[str, Callable[[], Callable[[], None]]] = {}
        self._triggers: set[str] = set()
        self._libraries: set[str] = set(_NEEDED)
        #: Packages of which every module counts, since a trigger is below them.
        self._packages = {"opentelemetry", "langgraph", "wrapt"}
        self._executing: set[str] = set()
        #: By thread or greenlet: how many libraries it is importing, and the triggers that it has passed meanwhile.
        self._depths: dict[int, int] = {}
        self._passed: dict[int, list[str]] = {}
        #: Triggers that have been passed, until the owner has handled them.
        self._unhandled: set[str] = set()
        #: By thread: how many blocks it is in, inside of which telemetry cannot be started.
        self._blocks: dict[int, int] = {}
        # Another library's finder may ask all finders in turn, this one included.
        self._asking: set[tuple[int, str]] = set()

    def install(self) -> None:
        """Put it before the other finders, once."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def watch(self, trigger: str) -> bool:
        """Wait for a module; return false if its import is complete."""
        if trigger in self._triggers or trigger in self._unhandled:
            return True
        if trigger in sys.modules and trigger not in self._executing:
            return False
        self._triggers.add(trigger)
        package, dot, _ = trigger.partition(".")
        self._libraries.add(package)
        if dot:
            self._packages.add(package)
        self.install()
        return True

    def after_import(self, name: str, call: Callable[[ModuleType], None]) -> None:
        """Call a function with a module right after its code has run, even inside of a larger import.

        It is called at once if the module is imported already.

        After an import that raised, the next one counts. The function is called once, and must not raise.
        """
        module = sys.modules.get(name)
        if module is not None:
            call(module)
        else:
            self._calls.setdefault(name, []).append(call)
            self.install()

    def around_import(self, name: str, call: Callable[[], Callable[[], None]]) -> None:
        """Call a function before a module's code runs, each time, and what it returns after that."""
        self._before[name] = call
        self.install()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See :meth:`importlib.abc.MetaPathFinder.find_spec`."""
        if not self._is_of_interest(fullname):
            return None
        key = (current_thread_or_greenlet(), fullname)
        if key in self._asking:
            return None
        self._asking.add(key)
        try:
            for finder in list(sys.meta_path):
                # A finder in the style before Python 3.4 has no such method.
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec: ModuleSpec | None = find(fullname, path, target) if find else None
                if spec is not None:
                    if hasattr(spec.loader, "exec_module"):
                        spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]  # no subclass of Loader
                    return spec
        finally:
            self._asking.discard(key)
        return None

    def _is_of_interest(self, name: str) -> bool:
        return (
            name in self._triggers
            or name in self._libraries
            or name in self._calls
            or name in self._before
            or name.partition(".")[0] in self._packages
        )

    def execute(self, load: Callable[[ModuleType], None], module: ModuleType) -> None:
        """Execute a module with its own loader, and call what waits for it. Raises what the module raises."""
        name = module.__name__
        package = name.partition(".")[0]
        with self.postponed(name, blocking=package == "opentelemetry" or package in _NEEDED):
            self._executing.add(name)
            undo = self._before[name]() if name in self._before else None
            try:
                load(module)
            finally:
                self._executing.discard(name)
                if undo is not None:
                    undo()
            if name in self._triggers:
                self._triggers.discard(name)
                if package in sys.stdlib_module_names and not self.is_blocked:
                    self._report_now([name], name)
                else:
                    self.fire(name)
            for call in self._calls.pop(name, ()):
                # A module may have replaced itself.
                call(sys.modules.get(name, module))

    def postponed(self, name: str = "", *, blocking: bool = True) -> _Postponed:
        """Return a block; what fires inside of it, in this thread, is reported at the end of the outermost one.

        Args:
            name: the module that is executed inside of it.
            blocking: whether telemetry cannot be started inside of it.
        """
        return _Postponed(self, name, blocking)

    @property
    def is_blocked(self) -> bool:
        """True while telemetry cannot be started in this thread: something that it needs is half-imported."""
        return current_thread_or_greenlet() in self._blocks or get_ident() in self._blocks

    def handled(self, triggers: list[str]) -> None:
        """Note that what waited for these triggers has been applied."""
        self._unhandled.difference_update(triggers)

    def fire(self, trigger: str) -> None:
        """Let a trigger fire, at the end of the block that this thread is in."""
        self._unhandled.add(trigger)
        ident = current_thread_or_greenlet()
        # The block may have begun before gevent was imported.
        self._passed.setdefault(ident if ident in self._depths else get_ident(), []).append(trigger)

    def forked(self) -> None:
        """Forget, in a forked child, what other threads were importing; ids of threads are used again."""
        ids = {current_thread_or_greenlet(), get_ident()}
        for state in (self._depths, self._passed, self._blocks):
            for ident in set(state) - ids:
                del state[ident]
        self._asking = {key for key in self._asking if key[0] in ids}

    def enter(self, blocking: bool) -> int:
        """Begin a block; return the id of the thread or greenlet."""
        ident = current_thread_or_greenlet()
        self._depths[ident] = self._depths.get(ident, 0) + 1
        if blocking:
            self._blocks[ident] = self._blocks.get(ident, 0) + 1
        return ident

    def leave(self, ident: int, name: str, blocking: bool) -> None:
        """End a block, also after an import that raised: what it has imported before is complete."""
        if blocking:
            self._blocks[ident] -= 1
            if self._blocks[ident] <= 0:
                del self._blocks[ident]
        self._depths[ident] -= 1
        if self._depths[ident] <= 0:
            del self._depths[ident]
            passed = self._passed.pop(ident, None)
            if passed:
                self._report_now(passed, name, may_wait=not blocking)

    def _report_now(self, triggers: list[str], name: str, *, may_wait: bool = True) -> None:
        self._unhandled.update(triggers)
        _set_in_parent(name)
        self._report(triggers, may_wait)


class _Postponed:
    """A block of :meth:`ImportHook.postponed`; without contextlib, which is not imported yet."""

    def __init__(self, hook: ImportHook, name: str, blocking: bool) -> None:
        self._hook, self._name, self._blocking, self._id = hook, name, blocking, 0

    def __enter__(self) -> None:
        self._id = self._hook.enter(self._blocking)

    def __exit__(self, *_: object) -> None:
        self._hook.leave(self._id, self._name, self._blocking)


def _set_in_parent(name: str) -> None:
    """Make a submodule an attribute of its package, as Python does a moment later: ``import a.b; a.b.c`` needs it."""
    package, _, child = name.rpartition(".")
    parent, module = sys.modules.get(package), sys.modules.get(name)
    if parent is not None and module is not None and not hasattr(parent, child):
        setattr(parent, child, module)


class _Loader:
    """A module's own loader; the module sees only that one."""

    def __init__(self, loader: Any, hook: ImportHook) -> None:
        self._loader, self._hook = loader, hook

    def __getattr__(self, name: str) -> Any:
        if name in ("_loader", "_hook") or name.startswith("__"):
            # Not set yet, in a copy.
            raise AttributeError(name)
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._hook.execute(self._loader.exec_module, module)


# Python leaves frames of its import system out of tracebacks, and warnings.warn does not count them: these are such.
for _method in (ImportHook.execute, _Loader.exec_module):
    _method.__code__ = _method.__code__.replace(co_filename="<frozen importlib._bootstrap>")
