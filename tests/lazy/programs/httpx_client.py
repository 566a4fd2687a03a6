"""httpx asks a server on loopback, in both of its ways."""

import asyncio

import _loopback
import httpx


async def ask(url):
    async with httpx.AsyncClient() as client:
        return await client.get(f"{url}/missing")


with _loopback.http() as url:
    print(httpx.get(url).json())
    with httpx.Client() as client:
        print(client.post(url, json={"order": 1}).json())
    print(asyncio.run(ask(url)).status_code)
