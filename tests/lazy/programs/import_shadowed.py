"""The program has a module of its own with the name of an instrumented library."""

import sys
from pathlib import Path

folder = Path("modules")
folder.mkdir()
folder.joinpath("redis.py").write_text('OWNER = "the program"\n')
sys.path.insert(0, str(folder))
import redis

print(getattr(redis, "OWNER", "the library"))
