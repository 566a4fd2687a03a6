"""Most tests put OpenTelemetry's folder on PYTHONPATH, as its Kubernetes operator does; the launchers put distrokit's."""

from __future__ import annotations

import json
import os
import sys

import pytest
from processes import AUTO_INSTRUMENTATION, BIN, LEAN, QUIET, instrumented, run

from distrokit.launch.site import FOLDER

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
    found, launched = json.loads(result.stdout), json.loads(expected.stdout)
    paths = [environ.pop("PYTHONPATH").split(os.pathsep) for environ in (found[0], launched[0])]
    # The same for children: distrokit's folder first, OpenTelemetry's behind it.
    assert [entries[0] for entries in paths] == [FOLDER, FOLDER]
    assert (
        sorted(paths[0]) == sorted(paths[1]) == sorted([FOLDER, AUTO_INSTRUMENTATION, str(tmp_path), *map(str, path)])
    )
    # The application sees what it sees under OpenTelemetry's own launcher, in the user's order.
    assert sorted(found.pop(1)) == sorted(launched.pop(1))
    assert found == launched
