"""FastAPI answers two requests in uvicorn, and the log record of a view belongs to the request's trace."""

import logging

import _loopback
from fastapi import FastAPI

app = FastAPI()


@app.get("/items/{number}")
async def item(number: int):
    logging.getLogger("shop").warning("item %s", number)
    return {"number": number}


with _loopback.asgi(app) as url:
    print(_loopback.fetch(f"{url}/items/7"))
    print(_loopback.fetch(f"{url}/items/seven"))
