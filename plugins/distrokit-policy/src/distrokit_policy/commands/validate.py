"""``distrokit policy validate``: checks files of policies."""

from __future__ import annotations

import argparse
from typing import Any

from distrokit_policy.commands.running import write, write_json
from distrokit_policy.engine.reading import NotASetError, read_policies
from distrokit_policy.providers.files import FileProvider, PolicyFileError
from distrokit_policy.runtime.placing import describe_action, place
from distrokit_policy.runtime.trial import read_rollout

_WRONG, _UNREAD = 1, 2


def run(arguments: argparse.Namespace) -> int:
    """Check each file; return the exit code."""
    results = [_check(name) for name in arguments.files]
    if arguments.json:
        write_json({"files": results})
    else:
        for result in results:
            _show(result)
    codes = [_UNREAD if "unread" in result else _WRONG if result["errors"] else 0 for result in results]
    return max(codes)


def _check(name: str) -> dict[str, Any]:
    provider = FileProvider(name)
    try:
        data = provider.poll() or {}
        read_rollout(data)
        read = read_policies(data, name)
    except PolicyFileError as error:
        return {"file": name, "unread": error.reason, "errors": [{"place": error.place, "text": error.reason}]}
    except NotASetError as error:
        return {"file": name, "errors": [{"place": name, "text": str(error)}], "policies": []}
    errors = [
        {"place": provider.locate(error.path), "policy": error.policy_id, "text": error.text} for error in read.errors
    ]
    policies = [
        {
            "id": policy.id,
            "signal": policy.signal,
            "action": describe_action(policy),
            "stages": list(place(policy).stages),
            "why": place(policy).why,
        }
        for policy in read.policies
    ]
    return {"file": name, "errors": errors, "policies": policies, "disabled": read.disabled}


def _show(result: dict[str, Any]) -> None:
    for error in result["errors"]:
        policy = f"policy {error['policy']}: " if error.get("policy") else ""
        write(f"{error['place']}: {policy}{error['text']}")
    if "unread" in result:
        return
    valid, wrong, disabled = len(result["policies"]), len(result["errors"]), len(result.get("disabled", ()))
    more = f", {disabled} disabled" if disabled else ""
    policies, faults = "policy" if valid == 1 else "policies", "fault" if wrong == 1 else "faults"
    write(f"{result['file']}: {valid} valid {policies}{more}, {wrong} {faults}")
