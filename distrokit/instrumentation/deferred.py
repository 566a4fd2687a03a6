"""Instrumentations that need modules of the application: applied when the application has imported those.

At the start the working directory, or a script's folder, is not on ``sys.path`` yet, and settings are not chosen.
Django's instrumentation reads the settings; where they cannot be imported, it configures empty ones, and every page
fails. That of AWS Lambda imports the module of the function.
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
    """When an instrumentation is applied, as a clause; empty for those that are applied at the start."""
    known = _DEFERRED.get(name.lower())
    return known[0] if known else ""


def wait(name: str, apply: Apply) -> bool:
    """Arrange that an instrumentation is applied later; returns false where that is to be done now.

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
    """Afterwards the settings are there, and no request was handled; Django's own errors are raised as ever."""
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
            # Who imported the function itself may call it again.
            waiting.pop()()
        return result

    django.setup = setup


def _wait_for_function(apply: Apply) -> bool:
    """As the instrumentation finds it: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""
    handler = os.environ.get("ORIG_HANDLER", os.environ.get("_HANDLER", ""))
    module = handler.replace("/", ".").rpartition(".")[0]
    if "AWS_LAMBDA_FUNCTION_NAME" not in os.environ or not module or module in sys.modules:
        return False
    after_import(module, lambda _: apply())
    return True


#: By name: when they are applied, and how that is arranged.
_DEFERRED: dict[str, tuple[str, Callable[[Apply], bool]]] = {
    "django": ("when django.setup() is called", _wait_for_django),
    "aws-lambda": ("when the function's module is imported", _wait_for_function),
}
