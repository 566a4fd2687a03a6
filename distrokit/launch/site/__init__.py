"""What stands in a launched Python before the application: :mod:`distrokit.launch.site.sitecustomize`.

``distrokit run`` puts this folder first on PYTHONPATH, so nothing else may lie in it: it would hide what has its name.
"""

from pathlib import Path

#: As it stands on PYTHONPATH.
FOLDER = str(Path(__file__).resolve().parent)
