"""The folder's API takes the place of an older one: it has what that one offered."""

from __future__ import annotations

import json

import pytest
from attaching import attached
from interpreters import Environment
from processes import QUIET

#: Prints the public names of all modules of OpenTelemetry's API, and the public attributes of its classes.
NAMES = """
import importlib, json, pkgutil, warnings
import opentelemetry
warnings.simplefilter("ignore")
names = set()

def public(module):
    listed = getattr(module, "__all__", ())
    for name, value in list(vars(module).items()):
        # What a module imports for itself is none of its own.
        if name in listed or (not name.startswith("_") and getattr(value, "__module__", "") == module.__name__):
            yield name, value

def walk(path, prefix):
    for found in pkgutil.iter_modules(path, prefix):
        last = found.name.rpartition(".")[2]
        if last == "_logs" or not last.startswith("_"):
            try:
                module = importlib.import_module(found.name)
            except ImportError:
                continue
            for name, value in public(module):
                names.add(f"{found.name}:{name}")
                if isinstance(value, type):
                    names.update(f"{found.name}:{name}.{own}" for own in vars(value) if not own.startswith("_"))
            if found.ispkg:
                walk(module.__path__, found.name + ".")

walk(opentelemetry.__path__, "opentelemetry.")
print(json.dumps(sorted(names)))
"""
#: What later releases of the API have taken away: nothing but a function of its experimental part.
GONE = {"opentelemetry._logs:std_to_otel", "opentelemetry._logs.severity:std_to_otel"}


@pytest.mark.parametrize("release", ["1.20.0", "1.30.0", "1.40.0"])
def test_it_has_every_public_name_of_an_older_one(folder, tmp_path, wheels, release):
    environment = Environment(tmp_path / "env", wheels)
    environment.install(f"opentelemetry-api=={release}")
    python = environment.bin / "python"
    (tmp_path / "names.py").write_text(NAMES)

    alone = attached(python, [str(tmp_path / "names.py")], None)
    ran = attached(python, [str(tmp_path / "names.py")], folder, QUIET)

    before, now = json.loads(alone.stdout), json.loads(ran.stdout)
    assert len(before) > 250
    assert {*before} - {*now} <= GONE
