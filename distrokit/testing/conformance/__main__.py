"""The checking process: ``python -m distrokit.testing.conformance FILE``; FILE has the request."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path

from distrokit.diagnostics import describe_exception
from distrokit.testing.conformance import declaring, tools
from distrokit.testing.conformance.footprint import Footprint
from distrokit.testing.conformance.report import ConformanceReport, Request
from distrokit.testing.conformance.weight import ImportWatch


def main(request: Request) -> None:
    """Run the requested stages."""
    sys.path[:] = request.path
    invalidate_caches()
    report = ConformanceReport(request.report)
    report.stage = request.stages[0]
    watch = ImportWatch(request.file)
    sys.meta_path.insert(0, watch)
    footprint = Footprint()
    report.doing(f"importing {request.module}")
    try:
        with footprint.capture():
            module = import_module(request.module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{request.module}.".startswith(f"{error.name}."):
            report.absent()
        else:
            report.unusable(_describe_import_error(request, error))
        return
    except BaseException as error:
        report.unusable(_describe_import_error(request, error))
        return
    if (getattr(module, "__file__", None) or "") != request.file:
        report.absent()
        return
    for stage in request.stages:
        report.stage = stage
        if stage == "declaring":
            report.findings(_describe_heavy(watch, f"importing {request.module}"))
            report.findings(footprint.changes(f"importing {request.module}"))
            report.doing("calling the hooks that declare")
            with footprint.capture():
                report.findings(declaring.check_alone(request.name, module, request.environ))
            report.findings(_describe_heavy(watch, "declaring and planning"))
            report.findings(footprint.changes("declaring and planning"))
            sys.meta_path.remove(watch)
            report.doing("planning beside the installed plugins")
            report.findings(declaring.check_with_installed(request.name, module, request.environ))
            report.doing("calling distrokit_checks and distrokit_commands")
            report.findings(tools.check_tools(request.name, module, request.environ))
        else:
            _check_building(stage, request, module, report)
        report.done()


def _check_building(stage: str, request: Request, module: object, report: ConformanceReport) -> None:
    # Imported here, because these import the SDK.
    from distrokit.testing.conformance import building, canaries

    if stage == "building":
        subject = building.Subject(request.name, module, request.environ, request.child_seconds)
        report.findings(building.check_pipelines(subject, report))
    else:
        environ = canaries.with_secrets(request.environ, request.secrets)
        subject = building.Subject(request.name, module, environ)
        report.findings(canaries.find_leaks(subject, request.secrets, report))


def _describe_import_error(request: Request, error: BaseException) -> str:
    return f"{request.module} cannot be imported in a new process: {describe_exception(error)}. Repair it."


def _describe_heavy(watch: ImportWatch, meanwhile: str) -> list[str]:
    return [
        f"{meanwhile} imports {heavy} ({where}); every process with this plugin would pay for it. "
        "Import it inside the factory that needs it."
        for heavy, where in watch.take().items()
    ]


if __name__ == "__main__":
    import json

    main(Request(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
