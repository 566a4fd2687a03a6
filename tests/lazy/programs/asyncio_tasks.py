"""Tasks, gathered coroutines and a function in a thread have the span of their creator as parent."""

import asyncio

from opentelemetry import trace

tracer = trace.get_tracer("shop")


async def work(name):
    with tracer.start_as_current_span(name):
        await asyncio.sleep(0.01)


def block():
    with tracer.start_as_current_span("block"):
        pass


async def main():
    with tracer.start_as_current_span("order"):
        task = asyncio.create_task(work("task"))
        await asyncio.gather(work("first"), work("second"), asyncio.to_thread(block))
        await task


asyncio.run(main())
