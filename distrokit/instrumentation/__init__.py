"""Application of the planned instrumentations.

They are applied in the plan's order, which is by name unless a setting or a plugin changes it. So it does not depend on
the order of installed files, which matters (contrib#3476). Each one is guarded on its own. Those that need modules of
the application are deferred until these are imported.
"""

from distrokit.instrumentation.applying import apply_all, conflict
from distrokit.instrumentation.callables import not_found
from distrokit.instrumentation.deferred import moment
from distrokit.instrumentation.kept_variables import keep_variables

__all__ = ["apply_all", "conflict", "keep_variables", "moment", "not_found"]
