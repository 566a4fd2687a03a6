"""Exceptions that nothing catches in a thread and in a task do not end the program."""

import asyncio
import sys
import threading


def fail():
    raise ValueError("in a thread")


async def main():
    async def fail_too():
        raise ValueError("in a task")

    asyncio.get_running_loop().set_exception_handler(lambda loop, context: print(repr(context["exception"])))
    task = asyncio.ensure_future(fail_too())
    await asyncio.sleep(0.01)
    del task


threading.excepthook = lambda arguments: print("hooked", arguments.exc_value)
thread = threading.Thread(target=fail)
thread.start()
thread.join()
asyncio.run(main())
print(sys.excepthook is sys.__excepthook__)
