"""A library is loaded at its first use, by the standard library's ``LazyLoader``."""

import importlib.util
import sys

spec = importlib.util.find_spec("jinja2")
spec.loader = importlib.util.LazyLoader(spec.loader)
module = importlib.util.module_from_spec(spec)
sys.modules["jinja2"] = module
spec.loader.exec_module(module)
print("found")
print(module.Template("{{ 6 * 7 }}").render())
