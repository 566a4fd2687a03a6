"""The plan: which parts are built, with which parameters, and why.

``planner`` makes it. ``selection`` holds the names that settings (``from_settings``) or a configuration file
(``from_configuration_file``) select, ``registry`` what plugins declared; ``selection_resolver`` and
``component_resolver`` find the declaration of each name; ``modifications`` lets plugins change the result. ``plan``,
``components`` and ``instrumentations`` define the result, plain data. ``model_writer`` writes a plan as a configuration
file; ``known_packages`` names the packages of well-known components.
"""
