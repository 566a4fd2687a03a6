"""Two libraries are used inside ``suppress_instrumentation`` and outside of it."""

import sqlite3

import _loopback
import urllib3
from opentelemetry.instrumentation.utils import suppress_instrumentation


def work(url):
    print(urllib3.PoolManager().request("GET", url).status)
    print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())


with _loopback.http() as address:
    with suppress_instrumentation():
        work(address)
    work(address)
