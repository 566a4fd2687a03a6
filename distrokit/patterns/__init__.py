"""Regular expressions of users: which take linear time, and which texts are in each match. For plugins, too.

``safety`` checks a pattern; it uses ``units`` (a pattern as alternatives of plain sequences), ``character_sets``, and
``regex_tree``, which has the private names of the standard library's parser. ``literals`` finds fixed texts.
"""
