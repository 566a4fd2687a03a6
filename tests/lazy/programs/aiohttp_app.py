"""aiohttp is server and client in one event loop."""

import asyncio

from aiohttp import ClientSession, web


async def hello(request):
    return web.Response(text="hello {}".format(request.match_info["name"]))


async def main():
    app = web.Application()
    app.add_routes([web.get("/hello/{name}", hello)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with ClientSession() as session:
        for path in ("/hello/ada", "/nowhere"):
            async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                print(answer.status, await answer.text())
    await runner.cleanup()


asyncio.run(main())
