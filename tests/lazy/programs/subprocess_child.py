"""A child process of another program of Python has telemetry as well."""

import subprocess
import sys

CHILD = """
import sqlite3

print(sqlite3.connect(":memory:").cursor().execute("SELECT 42").fetchone())
"""
print(subprocess.run([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True, check=True).stdout)
