"""The program takes instrumentations back, of a library before its import and of one after it."""

from opentelemetry.instrumentation.jinja2 import Jinja2Instrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

Jinja2Instrumentor().uninstrument()
import sqlite3

import jinja2

SQLite3Instrumentor().uninstrument()
print(jinja2.Template("{{ 6 * 7 }}").render())
print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())
