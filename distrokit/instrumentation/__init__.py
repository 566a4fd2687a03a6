"""Application of the planned instrumentations.

They are applied when the application imports their libraries, or all at the start. At the same time they are applied in
the plan's order, which is by name unless a setting or a plugin changes it. So it does not depend on the order of
installed files, which matters (contrib#3476). Each one is guarded on its own. Those that need settings or modules of
the application are deferred until these exist.
"""

from distrokit.instrumentation.applier import Applier, describe_triggers
from distrokit.instrumentation.applying import conflict
from distrokit.instrumentation.callables import not_found
from distrokit.instrumentation.deferred import moment
from distrokit.instrumentation.kept_variables import keep_variables

__all__ = ["Applier", "conflict", "describe_triggers", "keep_variables", "moment", "not_found"]
