"""Imports of a missing module, of a missing submodule and of a missing name, each with a fallback."""

try:
    import shop_that_is_not_installed
except ImportError as error:
    print(type(error).__name__, error)
    import jinja2 as shop_that_is_not_installed

try:
    import jinja2.nowhere
except ImportError as error:
    print(type(error).__name__, error)

try:
    from jinja2 import Nothing
except ImportError as error:
    print(type(error).__name__, error.name)

print(shop_that_is_not_installed.Template("{{ 6 * 7 }}").render())
