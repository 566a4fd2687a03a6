"""Most tests set the path that the launcher would set: it is the same path, and the same process otherwise."""

from __future__ import annotations

import json
import sys

import pytest
from processes import BIN, LEAN, QUIET, instrumented, run

PROGRAM = """
import json, os, sys
print(json.dumps([dict(os.environ), sys.path, sys.argv, sys.orig_argv, sys.flags.utf8_mode]))
"""


@pytest.mark.parametrize("given", [(), ("a", "b")])
def test_a_program_is_started_as_the_launcher_starts_it(tmp_path, given):
    path = [tmp_path / name for name in given]
    env = {**QUIET, "OTEL_SERVICE_NAME": "shop", "DISTROKIT_LAZY": "1"}

    result = instrumented(PROGRAM, env, path, cwd=tmp_path)
    command = [str(BIN / "opentelemetry-instrument"), sys.executable, "-c", PROGRAM]
    expected = run(command, {**LEAN, **env}, path, cwd=tmp_path)

    assert (result.returncode, result.stderr) == (expected.returncode, expected.stderr) == (0, "")
    assert json.loads(result.stdout) == json.loads(expected.stdout)
