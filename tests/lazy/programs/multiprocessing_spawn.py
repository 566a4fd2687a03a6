"""A child process by ``spawn`` has telemetry of its own: a span, a log record and a query."""

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


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    with trace.get_tracer("shop").start_as_current_span("parent"):
        process = context.Process(target=child, args=(queue,))
        process.start()
        print(queue.get())
        process.join()
    print(process.exitcode)
