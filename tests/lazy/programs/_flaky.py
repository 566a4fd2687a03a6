"""A module of the program ``import_retried``, whose import fails the first time, after it has imported a library."""

import os

import jinja2

template = jinja2.Template("{{ 6 * 7 }}")
if os.environ.setdefault("FLAKY", "first") == "first":
    os.environ["FLAKY"] = "again"
    raise RuntimeError("not ready")
