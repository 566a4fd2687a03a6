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

from distrokit.instrumentation.imports import after_import

Apply = Callable[[], None]


def moment(name: str) -> str:
    """Return when an instrumentation is applied, as a clause ("when …"); an empty string for the start."""
    known = _DEFERRED.get(name.lower())
    return known[0] if known else ""


def defer(name: str, apply: Apply) -> bool:
    """Arrange to apply an instrumentation later; return false if it must be applied now.

    Args:
        apply: called once; must not raise.
    """
    known = _DEFERRED.get(name.lower())
    return known is not None and known[1](apply)


def _wait_for_django(apply: Apply) -> bool:
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    if settings is not None and settings.configured:
        return False
    after_import("django", lambda django: _after_setup(django, apply))
    return True


def _after_setup(django: Any, apply: Apply) -> None:
    """Apply after ``django.setup()``, when settings exist and no request was handled; its own errors are raised."""
    original = getattr(django, "setup", None)
    if original is None:
        return
    waiting = [apply]

    @wraps(original)
    def setup(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if waiting:
            if django.setup is setup:
                django.setup = original
            # Code that imported the function by name may call it again.
            waiting.pop()()
        return result

    django.setup = setup


def _wait_for_function(apply: Apply) -> bool:
    """Find the module as the instrumentation does.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    handler = os.environ.get("ORIG_HANDLER", os.environ.get("_HANDLER", ""))
    module = handler.replace("/", ".").rpartition(".")[0]
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ or not module or module in sys.modules:
        return False
    after_import(module, lambda _: apply())
    return True


#: By name: when an instrumentation is applied, and the function that arranges it.
_DEFERRED: dict[str, tuple[str, Callable[[Apply], bool]]] = {
    "django": ("when django.setup() is called", _wait_for_django),
    "aws-lambda": ("when the function's module is imported", _wait_for_function),
}
