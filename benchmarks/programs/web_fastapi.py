"""FastAPI: one request through its ASGI interface, without a server."""
# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastapi import FastAPI

SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "http_version": "1.1",
    "method": "GET",
    "scheme": "http",
    "path": "/items/7",
    "raw_path": b"/items/7",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost")],
    "client": ("127.0.0.1", 50000),
    "server": ("127.0.0.1", 80),
}
app = FastAPI()


@app.get("/items/{number}")
async def item(number: int) -> dict[str, int]:
    """Return the number."""
    return {"number": number}


async def main() -> None:
    """Send one request to the application, and print the status and the number in the answer."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(dict(SCOPE), receive, send)
    body = b"".join(message.get("body", b"") for message in sent)
    sys.stdout.write(f"{sent[0]['status']} {json.loads(body)['number']}\n")


if __name__ == "__main__":
    asyncio.run(main())
