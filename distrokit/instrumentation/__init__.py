"""Which libraries are instrumented, with which options, and when.

The plan decides, and it is done here: in the plan's order, which is by name unless somebody says otherwise, so that
no directory has a say in it (it matters: contrib#3476); and each instrumentation under guard of its own. Those that
need modules of the application wait for them.
"""

from distrokit.instrumentation.applying import apply_all, conflict
from distrokit.instrumentation.callables import not_found
from distrokit.instrumentation.deferred import moment
from distrokit.instrumentation.kept_variables import keep_variables

__all__ = ["apply_all", "conflict", "keep_variables", "moment", "not_found"]
