"""The plan: which parts are built, with which parameters, and why.

``planner`` makes it. ``selection`` holds the names that settings or a configuration file select, ``registry`` what
plugins declared; ``resolver`` and ``component_resolver`` find the declaration of each name; ``modifications`` lets
plugins change the result. ``plan``, ``components`` and ``instrumentations`` define the result, plain data.
``configuration_model`` writes a plan as a configuration file.
"""
