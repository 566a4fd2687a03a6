"""The code that runs in a folder of ``distrokit build``, in front of an application's own packages.

``site/sitecustomize`` is the file that Python imports at its start. ``decision`` decides whether the folder starts
distrokit in this process, ``finder`` makes its packages importable, ``start`` does both, and ``program`` finds the
program that Python is about to run, which :mod:`distrokit.lazy` needs, too.

The folder has a copy of this package, named ``_distrokit_attach``, that is imported without distrokit: its modules
import each other by relative names, and nothing that an interpreter has not imported at its start.
"""
