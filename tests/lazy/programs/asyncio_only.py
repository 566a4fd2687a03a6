"""asyncio with a coroutine that the environment says to trace; the program imports no OpenTelemetry."""

import asyncio


async def traced():
    await asyncio.sleep(0)
    return 42


async def main():
    print(await asyncio.gather(traced(), asyncio.create_task(traced())))
    print(await asyncio.wait_for(traced(), 1))


asyncio.run(main())
