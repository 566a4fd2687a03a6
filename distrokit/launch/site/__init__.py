"""The folder that ``distrokit run`` puts first on PYTHONPATH, for :mod:`distrokit.launch.site.sitecustomize`.

Nothing else may be in it, since it would hide modules of the same name.
"""

import os

#: Its path, as it is on PYTHONPATH. Without pathlib, whose import every start would pay for.
FOLDER = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120
