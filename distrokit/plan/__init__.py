"""The plan: which parts are built, with which parameters, and why.

``planner`` makes it. ``selection`` holds the names that settings or a configuration file select, ``registry`` what
plugins declared; ``resolver`` and ``component_resolver`` bring both together; ``modifications`` lets plugins change
the result. ``plan``, ``parts`` and ``instrumentations`` are the result, plain data. ``configuration_model`` goes back
to a file.
"""
