"""The import of a module raises after it has imported a library, and succeeds when the program tries again."""

import sys

try:
    import _flaky
except RuntimeError as error:
    print(error, "_flaky" in sys.modules)
import _flaky

print(_flaky.template.render())
