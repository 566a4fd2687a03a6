"""Instrumentations that need modules of the application, and are applied when it has imported them.

At the start the working directory, or the script's folder, is not on ``sys.path`` yet, and the application has not
selected its settings. Django's instrumentation reads them; if it cannot import them, it configures empty settings, and
every page fails. AWS Lambda's instrumentation imports the module of the function.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from distrokit.lazy.import_hook import ImportHook

Apply = Callable[[], None]


def moment(name: str) -> str:
    """Return when an instrumentation is applied, as a clause ("when …"); an empty string for the start."""
    known = _DEFERRED.get(name.lower())
    return known[0] if known else ""


def defer(name: str, apply: Apply, hook: ImportHook) -> bool:
    """Arrange to apply an instrumentation later; return false if it must be applied now.

    Args:
        apply: called once; must not raise.
    """
    known = _DEFERRED.get(name.lower())
    return known is not None and known[1](apply, hook)


def _wait_for_django(apply: Apply, hook: ImportHook) -> bool:
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    if settings is not None and settings.configured:
        return False
    waiting = [apply]

    def apply_once() -> None:
        if waiting:
            waiting.pop()()

    hook.after_import("django", lambda django: _after_setup(django, apply_once))
    hook.after_import("django.core.handlers.base", lambda handlers: _before_middleware(handlers, apply_once))
    return True


def _after_setup(django: Any, apply: Apply) -> None:
    """Apply after ``django.setup()``, when settings exist and no request was handled; its own errors are raised."""
    original = getattr(django, "setup", None)
    if original is None:
        return

    @wraps(original)
    def setup(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if django.setup is setup:
            django.setup = original
        # Code that imported the function by name may call it again.
        apply()
        return result

    django.setup = setup


def _before_middleware(handlers: Any, apply: Apply) -> None:
    """Apply before a handler reads the list of middleware: a program may make one without ``django.setup()``."""
    original = getattr(getattr(handlers, "BaseHandler", None), "load_middleware", None)
    if original is None:
        return

    @wraps(original)
    def load_middleware(*args: Any, **kwargs: Any) -> Any:
        if handlers.BaseHandler.load_middleware is load_middleware:
            handlers.BaseHandler.load_middleware = original
        apply()
        return original(*args, **kwargs)

    handlers.BaseHandler.load_middleware = load_middleware


def _wait_for_function(apply: Apply, hook: ImportHook) -> bool:
    """Find the module as the instrumentation does.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    handler = os.environ.get("ORIG_HANDLER", os.environ.get("_HANDLER", ""))
    module = handler.replace("/", ".").rpartition(".")[0]
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ or not module or module in sys.modules:
        return False
    hook.after_import(module, lambda _: apply())
    return True


#: By name: when an instrumentation is applied, and the function that arranges it.
_DEFERRED: dict[str, tuple[str, Callable[[Apply, ImportHook], bool]]] = {
    "django": ("when django.setup() is called", _wait_for_django),
    "aws-lambda": ("when the function's module is imported", _wait_for_function),
}
