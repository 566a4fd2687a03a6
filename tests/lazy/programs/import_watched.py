"""The program has a finder of its own, and looks at specs, loaders and sources of the libraries that it imports."""

import importlib.util
import inspect
import pkgutil
import sys


class Watching:
    def __init__(self):
        self.names = []

    def find_spec(self, name, path=None, target=None):
        if name == "_watched":
            self.names.append(name)


watching = Watching()
sys.meta_path.insert(0, watching)
print(importlib.util.find_spec("jinja2").name)
import _watched
import jinja2
import jinja2.environment

print(watching.names)
for module in (_watched, jinja2, jinja2.environment):
    print(module.__name__, type(module).__name__, type(module.__loader__).__name__, type(module.__spec__).__name__)
    print(module.__spec__.loader is module.__loader__, module.__spec__.has_location, module.__spec__.parent)
print(inspect.getsource(jinja2.environment).startswith('"""Classes for managing templates'))
print(
    bool(pkgutil.get_data("jinja2", "__init__.py")),
    "environment" in {m.name for m in pkgutil.iter_modules(jinja2.__path__)},
)
print(jinja2.Template("{{ 6 * 7 }}").render())
