"""``importlib.reload`` of instrumented libraries, each used before and after."""

import importlib
import sqlite3

import _loopback
import requests
import requests.sessions


def query():
    print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())


query()
importlib.reload(sqlite3)
query()
with _loopback.http() as url:
    print(requests.get(url, timeout=5).status_code)
    importlib.reload(requests)
    print(requests.get(url, timeout=5).status_code)
    importlib.reload(requests.sessions)
    print(requests.get(url, timeout=5).status_code)
