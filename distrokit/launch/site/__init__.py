"""The folder that ``distrokit run`` puts first on PYTHONPATH, for :mod:`distrokit.launch.site.sitecustomize`.

Nothing else may be in it, since it would hide modules of the same name.
"""

from pathlib import Path

#: Its path, as it is on PYTHONPATH.
FOLDER = str(Path(__file__).resolve().parent)
