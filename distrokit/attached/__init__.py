"""What runs in a folder of ``distrokit build``, in front of an application's own packages.

``site/sitecustomize`` is the file that Python imports at its start. ``decision`` decides what the folder does in this
process, ``finder`` makes its packages importable, ``start`` does both and starts distrokit.

The folder has a copy of this package, named ``_distrokit_attach``, that is imported without distrokit: its modules
import each other by relative names, and nothing that an interpreter has not imported at its start.
"""
