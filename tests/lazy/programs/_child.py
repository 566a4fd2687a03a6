"""A child process with a span, a log record and a query of its own."""

import logging
import multiprocessing

from opentelemetry import trace


def work(number):
    import sqlite3

    with trace.get_tracer("shop").start_as_current_span("child"):
        logging.getLogger("shop").warning("in the child")
        return sqlite3.connect(":memory:").cursor().execute("SELECT ?", (number,)).fetchone()[0]


def child(queue):
    queue.put(work(7))


def run(method):
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    with trace.get_tracer("shop").start_as_current_span("parent"):
        process = context.Process(target=child, args=(queue,))
        process.start()
        print(queue.get())
        process.join()
    print(process.exitcode)
