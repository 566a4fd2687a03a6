"""Run a program, and write to a file how many modules are loaded when the interpreter ends.

``count_modules.py FILE PROGRAM [ARGUMENT …]``, or ``-c CODE`` in place of PROGRAM. Only runs without a clock use it.
"""

from __future__ import annotations

import sys


class Counter:
    """Writes the number of modules when Python deletes it.

    Python deletes ``sys.last_traceback`` after it has called all exit handlers, where telemetry is flushed, and before
    it removes the first module.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.modules = sys.modules
        self.open = open

    def __del__(self) -> None:
        count = len(self.modules)
        with self.open(self.file, "w", encoding="utf-8") as file:
            file.write(str(count))


def main() -> None:
    """Run the program in the place of this one."""
    vars(sys)["last_traceback"] = Counter(sys.argv[1])
    del sys.argv[:2]
    program = sys.argv[0]
    if program == "-c":
        code = sys.argv.pop(1)
    else:
        sys.path[0] = program.rpartition("/")[0]
        with open(program, encoding="utf-8") as file:  # noqa: PTH123  (no module more than the program needs)
            code = file.read()
    exec(compile(code, program, "exec"), vars(sys.modules["__main__"]))  # noqa: S102  (the benchmark's own program)


main()
