"""Imports under a condition: one library is used, the other one is not."""

import sys

if len(sys.argv) > 5:
    import flask as library
else:
    import jinja2 as library

print(library.__name__, library.Template("{{ 6 * 7 }}").render())
