"""``distrokit policy show``: the policies in effect, or what they do in a running process."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from distrokit_policy.commands.running import say, write, write_json
from distrokit_policy.runtime.live import answer_of, is_private, make_private, request_of, write_private

_WRONG, _UNREAD = 1, 2
#: How long a process may take to answer, in seconds. It looks for requests each second.
_PATIENCE = 5.0


def run(arguments: argparse.Namespace) -> int:
    """Show policies; return the exit code."""
    if arguments.live is not None:
        return _show_live(arguments.live, as_json=arguments.json)
    plan = arguments.assembly.plan
    policies = [policy.describe() for policy in plan.policies]
    if arguments.json:
        write_json({"policies": policies})
        return 0
    for policy in policies:
        write(f"{policy['id']}  {policy['signal']}: {policy['action']}, at {' and '.join(policy['stages'])}")
        write(f"    {policy['why']}; from {policy['source']}")
    if not policies:
        providers = ", ".join(provider.name for provider in plan.policy_providers)
        write(f"no policies are known without a network; providers: {providers or 'none, set DISTROKIT_POLICY_FILE'}")
    return 0


def _show_live(pid: int, *, as_json: bool) -> int:
    answer = _ask(pid)
    if isinstance(answer, str):
        say("show", answer)
        return _UNREAD
    if as_json:
        write_json(answer)
        return 0
    for source in answer["sources"]:
        write(f"{source['name']}: {source['state']}")
        for error in source["errors"]:
            write(f"    {error}")
        for name, counts in sorted(source["policies"].items()):
            inner = [(key, value) for key, value in counts.items() if isinstance(value, dict)]
            more = "".join(f", {key} {value['hits']:,} of {sum(value.values()):,}" for key, value in inner)
            write(f"    {name}: {counts['hits']:,} hits, {counts['misses']:,} misses{more}")
    if answer["errors"]:
        write(f"{answer['errors']:,} evaluations raised")
    return 0


def _ask(pid: int) -> Any:
    """Return the answer of a process; the reason as text if there is none."""
    try:
        request, answer = request_of(pid), answer_of(pid)
    except OSError as error:
        return f"there is no folder for temporary files: {error.strerror or error}"
    if not make_private(request.parent):
        return f"{request.parent} cannot be made, or other users can write to it"
    try:
        answer.unlink(missing_ok=True)
        write_private(request, "")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if answer.exists() and is_private(answer.parent):
                return json.loads(answer.read_text("utf-8"))
            time.sleep(0.05)
        return f"process {pid} does not answer: it has no policies, has sent nothing yet, or is another user's"
    except (OSError, ValueError) as error:
        return f"process {pid}: {getattr(error, 'strerror', None) or error}"
    finally:
        for path in (request, answer):
            path.unlink(missing_ok=True)
