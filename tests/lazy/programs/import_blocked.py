"""A library cannot be imported while one that it needs is blocked; then it can."""

import sys

sys.modules["markupsafe"] = None
try:
    import jinja2
except ImportError as error:
    print(type(error).__name__)
del sys.modules["markupsafe"]
import jinja2

print(jinja2.Template("{{ 6 * 7 }}").render())
