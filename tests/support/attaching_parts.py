"""Contents of a folder, packages of an application, and an attachment, for tests without a process."""

from __future__ import annotations

import sys
from pathlib import Path

from distrokit.attached.start import Attachment

API, SDK = "opentelemetry-api", "opentelemetry-sdk"
BASE, FLASK, PLAIN = (
    "opentelemetry-instrumentation",
    "opentelemetry-instrumentation-flask",
    "opentelemetry-propagator-x",
)


def package(version, *needs):
    return {"name": "", "version": version, "metadata": f"{version}.dist-info", "needs": needs, "entry_points": {}}


CONTENTS = {
    "interpreters": [],
    "supported": {API: ("1.43", "2"), SDK: ("1.43", "2"), BASE: ("0.64b0", "1")},
    "modules": ("_distrokit_private", "distrokit", "opentelemetry", "acme_otel"),
    "packages": {
        API: package("1.45.1"),
        SDK: package("1.45.1", (API, "==1.45.1")),
        BASE: package("0.66b1", (API, "~=1.4")),
        FLASK: package("0.66b1", (BASE, "==0.66b1")),
        PLAIN: package("1.0", (API, "~=1.12"), (SDK, ">=1.20,<2")),
        "distrokit": package("0.1.0", (API, ">=1.43,<2"), (SDK, ">=1.43,<2"), (BASE, ">=0.64b0,<1")),
    },
}


def installed(folder, **versions):
    """Write the version modules of some of OpenTelemetry's packages."""
    places = {"api": "version", "sdk": "sdk/version", "base": "instrumentation/version"}
    for name, version in versions.items():
        file = Path(folder, "opentelemetry", places[name], "__init__.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'# comment\n__version__ = "{version}"\n')
    return str(folder)


class Started:
    """An attachment whose words and steps are noted."""

    def __init__(self, root):
        self.said, self.imported, self.answered = [], [], []
        self.attachment = Attachment(
            str(root),
            self.said.append,
            lambda: self.imported.append([*sys.path]),
            lambda *answer: self.answered.append(answer),
        )
