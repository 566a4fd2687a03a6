"""The process that looks: ``python -m distrokit.testing.conformance FILE``, which has the request."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path

from distrokit.diagnostics import describe_exception
from distrokit.testing.conformance import declaring, tools
from distrokit.testing.conformance.footprint import Footprint
from distrokit.testing.conformance.report import Report, Request
from distrokit.testing.conformance.weight import Watch


def main(request: Request) -> None:
    """Do every stage that is asked for."""
    sys.path[:] = request.path
    invalidate_caches()
    report = Report(request.report)
    report.stage = request.stages[0]
    watch = Watch(request.file)
    sys.meta_path.insert(0, watch)
    footprint = Footprint()
    report.doing(f"importing {request.module}")
    try:
        with footprint.watched():
            module = import_module(request.module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{request.module}.".startswith(f"{error.name}."):
            report.absent()
        else:
            report.unusable(_not_imported(request, error))
        return
    except BaseException as error:
        report.unusable(_not_imported(request, error))
        return
    if (getattr(module, "__file__", None) or "") != request.file:
        report.absent()
        return
    for stage in request.stages:
        report.stage = stage
        if stage == "declaring":
            report.findings(_heavy(watch, f"importing {request.module}"))
            report.findings(footprint.left(f"importing {request.module}"))
            report.doing("calling the hooks that declare")
            with footprint.watched():
                report.findings(declaring.alone(request.name, module, request.environ))
            report.findings(_heavy(watch, "declaring and planning"))
            report.findings(footprint.left("declaring and planning"))
            sys.meta_path.remove(watch)
            report.doing("planning beside the installed plugins")
            report.findings(declaring.beside(request.name, module, request.environ))
            report.doing("calling distrokit_checks and distrokit_commands")
            report.findings(tools.added(request.name, module, request.environ))
        else:
            _built(stage, request, module, report)
        report.done()


def _built(stage: str, request: Request, module: object, report: Report) -> None:
    # These import the SDK.
    from distrokit.testing.conformance import building, canaries

    if stage == "building":
        subject = building.Subject(request.name, module, request.environ, request.child_seconds)
        report.findings(building.looked_at(subject, report))
    else:
        environ = canaries.given(request.environ, request.secrets)
        subject = building.Subject(request.name, module, environ)
        report.findings(canaries.looked_for(subject, request.secrets, report))


def _not_imported(request: Request, error: BaseException) -> str:
    return f"{request.module} cannot be imported in a new process: {describe_exception(error)}. Repair it."


def _heavy(watch: Watch, meanwhile: str) -> list[str]:
    return [
        f"{meanwhile} imports {heavy} ({where}); every process with this plugin would pay for it. "
        "Import it inside the factory that needs it."
        for heavy, where in watch.taken().items()
    ]


if __name__ == "__main__":
    import json

    main(Request(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
