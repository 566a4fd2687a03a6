"""An exception that nothing catches, in a program that imports nothing; a chained cause is shown."""

try:
    {}["order"]
except KeyError as error:
    raise RuntimeError("no such order") from error
