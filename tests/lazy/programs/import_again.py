"""The program takes a library out of ``sys.modules`` and imports it again, as some test runners do."""

import sys

import jinja2

print(jinja2.Template("{{ 1 }}").render())
for name in [name for name in sys.modules if name.partition(".")[0] == "jinja2"]:
    del sys.modules[name]
import jinja2

print(jinja2.Template("{{ 2 }}").render())
