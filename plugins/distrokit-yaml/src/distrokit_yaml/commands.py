"""``distrokit config``: validates a configuration file, and prints the effective configuration as one."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from typing import Any

from distrokit import Command

_HIDDEN = "****"


def _arguments(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="config_command")
    text = "validate a configuration file; exit code 1 if it has a problem"
    validate = commands.add_parser("validate", help=text, description=text)
    validate.add_argument("file", metavar="FILE", nargs="?", help="default: the file that OTEL_CONFIG_FILE names")
    validate.add_argument("--json", action="store_true", help="print the problems as JSON")
    text = "print the effective configuration as a configuration file, with all defaults and without secrets"
    show = commands.add_parser("show", help=text, description=text)
    show.add_argument("--json", action="store_true", help="print JSON, which is valid YAML")
    show.add_argument(
        "--diff",
        metavar="FILE",
        nargs="?",
        const="",
        help="print the differences from FILE, or, without FILE, from the defaults; exit code 1 if there are any",
    )


def _run(arguments: argparse.Namespace) -> int:
    return _validate(arguments) if arguments.config_command == "validate" else _show(arguments)


CONFIG = Command("config", "validate a configuration file, or print the effective one", _run, _arguments)


def _validate(arguments: argparse.Namespace) -> int:
    path = arguments.file or os.environ.get("OTEL_CONFIG_FILE", "").strip()
    if not path:
        print("distrokit config validate: name a FILE, or set OTEL_CONFIG_FILE", file=sys.stderr)
        return 2
    plan = arguments.assembly.again(OTEL_CONFIG_FILE=path).plan
    # Problems that the environment has without the file are left to doctor.
    before = {str(problem) for problem in arguments.assembly.again(OTEL_CONFIG_FILE="").plan.problems}
    problems = [problem for problem in plan.problems if str(problem) not in before]
    mask = plan.settings.mask
    if arguments.json:
        rows = [
            {
                name: mask(str(getattr(p, name)))
                for name in ("code", "severity", "subject", "cause", "outcome", "remedy")
            }
            for p in problems
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            print(mask(str(problem)))
        if not problems:
            print(f"{path}: no problems")
    return 1 if problems else 0


def _show(arguments: argparse.Namespace) -> int:
    assembly = arguments.assembly
    if _unusable(assembly.plan):
        assembly.report()
        return 2
    # A value that could not be used is not in the printed file; the user needs to know.
    assembly.channel.problems(assembly.plan.problems)
    text = _dump(assembly.model(), arguments.json)
    if arguments.diff is not None:
        return _diff(arguments, text)
    print(text, end="")
    if _HIDDEN in text:
        print(
            f"distrokit: {_HIDDEN} replaces secrets that are not in a variable; write a ${{REFERENCE}} instead",
            file=sys.stderr,
        )
    for sentence in assembly.left_out_of_model():
        print(f"distrokit: {sentence}", file=sys.stderr)
    traces = assembly.plan.signals["traces"]
    if traces.built and not traces.exporters and not assembly.plan.disabled.value:
        text = "a file cannot define a tracer provider without exporters: it gives no trace ids and no propagation"
        print(f"distrokit: {text}", file=sys.stderr)
    return 0


def _unusable(plan: Any) -> bool:
    return any(problem.code in ("file-unusable", "file-unread") for problem in plan.problems)


def _diff(arguments: argparse.Namespace, text: str) -> int:
    if arguments.diff:
        other, name = arguments.assembly.again(OTEL_CONFIG_FILE=arguments.diff), arguments.diff
        if _unusable(other.plan):
            other.report()
            return 2
    else:
        # Compare with a plan in which all OTEL_ and DISTROKIT_ variables are unset.
        names = [n for n in os.environ if n.startswith(("OTEL_", "DISTROKIT_"))]
        other, name = arguments.assembly.again(**dict.fromkeys(names, "")), "the bare defaults"
    before = _dump(other.model(), arguments.json)
    lines = list(difflib.unified_diff(before.splitlines(), text.splitlines(), name, "in effect", lineterm=""))
    for line in lines:
        print(line)
    return 1 if lines else 0


def _dump(model: dict[str, Any], as_json: bool) -> str:
    if as_json:
        return json.dumps(model, indent=2, ensure_ascii=False, default=str) + "\n"
    import yaml

    from distrokit_yaml.nodes import resolved

    class Dumper(yaml.SafeDumper):
        """Writes null as an empty value, as the schema's examples do, and indents lists."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: Any, data: str) -> Any:
        # PyYAML quotes strings that YAML 1.1 reads as numbers, but not references and YAML 1.2's numbers.
        plain = isinstance(resolved(data), str) and not data.startswith("${") and data.isprintable()
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=None if plain else '"')

    Dumper.add_representer(str, text)
    Dumper.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))
    written: str = yaml.dump(model, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return written
