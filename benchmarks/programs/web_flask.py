"""Flask, requests, SQLAlchemy and logging: one request over loopback, within one process."""
# mypy: disable-error-code="import-not-found,untyped-decorator"

from __future__ import annotations

import logging
import sys
import threading

import requests
from flask import Flask
from sqlalchemy import create_engine, text
from werkzeug.serving import make_server

logger = logging.getLogger("benchmark")
engine = create_engine("sqlite://")
app = Flask(__name__)


@app.get("/items/<int:number>")
def item(number: int) -> dict[str, int]:
    """Read the number from a database, log a warning and return the number."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT :number"), {"number": number}).scalar_one()
    logger.warning("item %s was read", found)
    return {"number": found}


def main() -> None:
    """Serve one request to ourselves."""
    logging.basicConfig()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    response = requests.get(f"http://127.0.0.1:{server.server_port}/items/7", timeout=30)
    thread.join()
    server.server_close()
    sys.stdout.write(f"{response.status_code} {response.json()['number']}\n")


if __name__ == "__main__":
    main()
