"""Libraries are imported after the first telemetry, after the first span and after the first log record."""

import logging

from opentelemetry import metrics, trace

metrics.get_meter("shop").create_counter("orders").add(1)
with trace.get_tracer("shop").start_as_current_span("order"):
    logging.getLogger("shop").warning("ordered")
    import sqlite3

    print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())
    import jinja2

    print(jinja2.Template("{{ 6 * 7 }}").render())
