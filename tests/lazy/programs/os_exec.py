"""The program replaces itself by itself, as reloaders do, and works in its second life."""

import os
import sys

if len(sys.argv) == 1:
    print("first", flush=True)
    os.execv(sys.executable, [sys.executable, __file__, "again"])

import sqlite3

print(sqlite3.connect(":memory:").cursor().execute("SELECT 'second'").fetchone())
