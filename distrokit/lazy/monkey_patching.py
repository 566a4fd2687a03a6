"""Postpones the start while gevent or eventlet replaces threads by greenlets.

In the middle of that some locks are theirs and some are Python's, and a start, which uses threads, would wait for ever.
gevent's ``patch_all`` inspects every object in memory. A lazy object, like celery's application, imports its library
when it is inspected.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any

    from distrokit.lazy.import_hook import ImportHook

#: The modules, with the beginning of the names of functions that patch.
_PATCHERS = {"gevent.monkey": "patch_", "eventlet.patcher": "monkey_patch"}


def postpone_while_patching(hook: ImportHook) -> None:
    """Let the functions of gevent and eventlet that patch count as imports of libraries."""
    for module, beginning in _PATCHERS.items():
        hook.after_import(module, lambda imported, beginning=beginning: _wrap_all(hook, imported, beginning))  # type: ignore[misc]  # no type for the default


def _wrap_all(hook: ImportHook, module: ModuleType, beginning: str) -> None:
    for name, patch in list(vars(module).items()):
        if name.startswith(beginning) and callable(patch):
            setattr(module, name, _wrap(hook, patch))


def _wrap(hook: ImportHook, patch: Callable[..., Any]) -> Callable[..., Any]:
    # Imported now: gevent and eventlet have imported it.
    from functools import wraps

    @wraps(patch)
    def patch_undisturbed(*args: Any, **kwargs: Any) -> Any:
        with hook.postponed():
            return patch(*args, **kwargs)

    return patch_undisturbed
