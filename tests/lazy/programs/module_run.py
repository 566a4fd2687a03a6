"""A module that is run by ``python -m``."""

import sqlite3
import sys

print(__name__, __spec__.name, sys.argv[1:])
print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())
