"""A thread imports a library for the first time after the main thread has come to its end."""

import threading


def work():
    threading.main_thread().join()
    import sqlite3

    print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())


threading.Thread(target=work).start()
