"""Libraries are imported inside of functions, by each function again, in several ways."""

import importlib


def statement():
    import jinja2

    return jinja2.Template("{{ 1 }}").render()


def names():
    from jinja2 import Template

    return Template("{{ 2 }}").render()


def submodule():
    import jinja2.environment as module

    return module.Template("{{ 3 }}").render()


def by_text():
    return importlib.import_module("jinja2.environment").Template("{{ 4 }}").render()


def built_in():
    return __import__("jinja2.environment").Template("{{ 5 }}").render()


for function in (submodule, by_text, statement, names, built_in):
    print(function())
