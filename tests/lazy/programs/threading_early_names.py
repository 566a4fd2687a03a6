"""Threads by names that were imported first of all, and by a subclass, before anything asks for telemetry."""

from concurrent.futures import ThreadPoolExecutor
from threading import Thread


class Worker(Thread):
    def run(self):
        from opentelemetry import trace

        with trace.get_tracer("shop").start_as_current_span("worker"):
            print("worked")


worker = Worker()
worker.start()
worker.join()
with ThreadPoolExecutor() as pool:
    print(pool.submit(sum, [1, 2]).result())
