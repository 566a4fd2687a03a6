"""Makes a folder that attaches distrokit to any Python application; ``distrokit.attached`` is what runs in it.

``command`` is ``distrokit build``. ``source`` finds the packages (``installed`` reads an environment, ``installing``
makes one of requirements), ``selection`` decides what goes into the folder, ``rewriting`` makes imports private,
``pruning`` leaves out modules, ``writing`` writes the packages, ``contents`` and ``manifest`` describe them in files,
``bytecode`` and ``verification`` run other Pythons, ``folder`` puts all in its place, ``archives`` packs it, ``report``
describes one that was built.
"""
