"""``distrokit policy try``: shows what becomes of items in OTLP/JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from distrokit_policy.commands.running import say, write, write_json
from distrokit_policy.engine.reading import NotASetError, read_policies
from distrokit_policy.otlp_json.requests import NotOTLPError, RequestPolicies
from distrokit_policy.providers.files import FileProvider, PolicyFileError

_WRONG, _UNREAD = 1, 2


def run(arguments: argparse.Namespace) -> int:
    """Apply policies to a request; return the exit code."""
    provider = FileProvider(arguments.policies)
    try:
        read = read_policies(provider.poll() or {}, arguments.policies)
        request = json.loads(_read(arguments.input))
        policies = RequestPolicies(read.policies)
        decisions: list[dict[str, Any]] = []
        result = policies.apply(request, decisions.append)
    except (PolicyFileError, NotASetError) as error:
        say("try", str(error))
        return _UNREAD
    except (OSError, ValueError, RecursionError) as error:
        what = "no request in OTLP/JSON: " if isinstance(error, NotOTLPError) else ""
        say("try", f"{arguments.input}: {what}{getattr(error, 'strerror', None) or error}")
        return _UNREAD
    counts = {name: each.as_data() for name, each in policies.statistics.policies.items()}
    if arguments.json:
        write_json({"result": result, "items": decisions, "policies": counts})
    else:
        write(json.dumps(result, indent=2))
        sys.stdout.flush()
        for decision in decisions:
            by = f" by {', '.join(decision['policies'])}" if decision["policies"] else ""
            say("try", f"{decision['item']}: {decision['outcome']}{by}")
    for wrong in read.errors:
        say("try", f"{provider.locate(wrong.path)}: policy {wrong.policy_id} is left out: {wrong.text}")
    return _WRONG if read.errors else 0


def _read(name: str) -> str:
    return sys.stdin.buffer.read().decode("utf-8") if name == "-" else Path(name).read_text("utf-8")
