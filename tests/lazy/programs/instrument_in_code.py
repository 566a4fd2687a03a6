"""The program applies an instrumentation itself, before it imports the library."""

from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor

Jinja2Instrumentor().instrument()

import jinja2

print(jinja2.Template("{{ 6 * 7 }}").render())
