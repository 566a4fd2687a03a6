"""A server and a client of grpc in one event loop."""

import asyncio

import grpc
from grpc import aio


async def reverse(request, context):
    return request[::-1]


async def main():
    server = aio.server()
    handlers = {"Reverse": grpc.unary_unary_rpc_method_handler(reverse)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Text", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        print(await channel.unary_unary("/shop.Text/Reverse")(b"abc"))
    await server.stop(5)


asyncio.run(main())
