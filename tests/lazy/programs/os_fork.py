"""``os.fork`` before anything else; child and parent import and use a library afterwards."""

import os
import sys


def work():
    from jinja2 import Template

    print(Template("{{ 6 * 7 }}").render(), flush=True)


if child := os.fork():
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    work()
else:
    work()
    sys.exit(3)
