"""A signal handler imports a library and uses it."""

import signal


def handler(number, frame):
    import sqlite3

    print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())


signal.signal(signal.SIGUSR1, handler)
signal.raise_signal(signal.SIGUSR1)
