"""doctor's checks of packages: which libraries count as the application's, who captures logs, and one line for versions."""

from __future__ import annotations

import json
import re
import shlex
import sys
from importlib.metadata import distributions

import pytest
from commands import in_process
from distributions import write_distribution
from plans import planned

from distrokit.doctor.imports import Imports
from distrokit.doctor.installer import install_line
from distrokit.doctor.libraries import check_libraries
from distrokit.doctor.log_records import check_log_records
from distrokit.doctor.release import normal, requirements_of
from distrokit.doctor.versions import check_versions


@pytest.fixture
def site(tmp_path):
    """A folder as an environment has it, a function that installs into it, and one that reads it."""
    folder = tmp_path / "site"
    folder.mkdir()

    def install(name, version, *needs, requested=False, url="", modules=()):
        for module in modules:
            (folder / module).mkdir()
            (folder / module / "__init__.py").touch()
        write_distribution(folder, name, version)
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        with (info / "METADATA").open("a") as file:
            file.writelines(f"Requires-Dist: {need}\n" for need in needs)
        info.joinpath("RECORD").write_text("".join(f"{module}/__init__.py,,\n" for module in modules))
        if requested:
            (info / "REQUESTED").touch()
        if url:
            (info / "direct_url.json").write_text(json.dumps({"url": url, "dir_info": {}}))

    def found():
        return {normal(dist.name): dist for dist in distributions(path=[str(folder)])}

    install.folder, install.found = folder, found
    return install


def missing(site, tmp_path, code=""):
    app = tmp_path / "app"
    app.mkdir(exist_ok=True)
    (app / "shop.py").write_text(code)
    (check,) = check_libraries(site.found(), planned({}), Imports([app]))
    return check


# ------------------------------------------------------------------------------ instrumentations


def test_what_only_another_library_needs_is_named_and_not_recommended(site, tmp_path):
    site("opentelemetry-instrumentation", "0.66b1")
    site("flask", "3.1", "click>=8", requested=True)
    site("click", "8.2")

    check = missing(site, tmp_path)

    assert check.evidence == (
        "no instrumentation is installed for flask; not counted, since only other libraries need them: click (flask)"
    )
    assert re.search(r"opentelemetry-instrumentation-flask<0\.67,>=0\.66b0'$", check.remedy)
    assert "click" not in check.remedy


@pytest.mark.parametrize(
    ("requested", "code", "where"),
    [
        (True, "", "requests"),
        (False, "import os, requests.adapters\n", "requests (shop.py:1 imports it)"),
        (False, "def f():\n    from requests import get\n", "requests (shop.py:2 imports it)"),
        (False, "# import requests\nimport requests_mock\n", ""),
    ],
)
def test_what_the_exporters_need_too_counts_where_the_application_uses_it(site, tmp_path, requested, code, where):
    site("distrokit-otlp", "0.1.0", "requests>=2")
    site("requests", "2.32", "urllib3>=2", requested=requested, modules=["requests"])
    site("urllib3", "2.2")

    check = missing(site, tmp_path, code)

    assert ("opentelemetry-instrumentation-requests" in check.remedy) is bool(where)
    assert check.verdict == ("warn" if where else "ok")
    assert f"for {where}; not counted" in check.evidence if where else "requests (distrokit-otlp)" in check.evidence
    assert "urllib3 (requests)" in check.evidence


def test_a_note_that_everything_has_says_nothing(site, tmp_path):
    # As uv leaves it.
    site("flask", "3.1", "click>=8", requested=True)
    site("click", "8.2", requested=True)

    assert "click" not in missing(site, tmp_path).remedy


def test_what_an_application_that_is_installed_needs_is_its_own(site, tmp_path):
    site("shop", "1.0", "flask", url="file:///src/shop")
    site("flask", "3.1", "click>=8")
    site("click", "8.2")

    check = missing(site, tmp_path)

    assert "for flask; not counted" in check.evidence
    assert "click (flask)" in check.evidence


def test_code_is_looked_for_where_an_application_has_it(tmp_path):
    for folder in ("shop/sub", ".hidden", "venv/lib", "tests", "node_modules"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "code.py").write_text(f"import {folder.replace('.', '').partition('/')[0]}_lib\n")
    (tmp_path / "venv/pyvenv.cfg").touch()
    (tmp_path / "bad.py").write_bytes(b"\xff\nimport good_lib as g, other_lib\n")

    imports = Imports([tmp_path])

    assert imports.where("shop_lib") == "shop/sub/code.py:1"
    assert (imports.where("good_lib"), imports.where("other_lib")) == ("bad.py:2", "bad.py:2")
    assert not any(map(imports.where, ("hidden_lib", "venv_lib", "tests_lib", "node_modules_lib")))
    assert Imports([tmp_path.home(), tmp_path.__class__("/")]).where("os") == ""


def test_what_is_installed_goes_with_an_instrumentation_that_may_be_of_another_patch(site, tmp_path, monkeypatch):
    site("opentelemetry-api", "1.45.2")
    site("opentelemetry-semantic-conventions", "0.66b2", "opentelemetry-api==1.45.2")
    site("opentelemetry-sdk", "1.45.2", "opentelemetry-api==1.45.2", "opentelemetry-semantic-conventions==0.66b2")
    site("opentelemetry-exporter-otlp-proto-http", "1.45.2", "opentelemetry-sdk~=1.45.2")
    site("opentelemetry-instrumentation", "0.66b2", "opentelemetry-semantic-conventions==0.66b2")
    site("flask", "3.1", requested=True)
    both = "'opentelemetry-instrumentation-flask<0.67,>=0.66b0'"

    in_a_project = missing(site, tmp_path).remedy
    monkeypatch.chdir(tmp_path)
    alone = missing(site, tmp_path).remedy

    # pip does not look at what it leaves as it is, and would part the sdk from its conventions.
    beside = "'opentelemetry-exporter-otlp-proto-http<1.46,>=1.45' "
    assert in_a_project == f"uv add {both}"
    assert alone.endswith(
        f" install --python {sys.executable} {beside}{both} 'opentelemetry-instrumentation<0.67,>=0.66b0'"
    )


# ------------------------------------------------------------------------------------ log records


@pytest.mark.parametrize(
    ("env", "verdict", "evidence", "remedy"),
    [
        ({}, "ok", "records of the application's loggers become telemetry", ""),
        (
            {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "logging"},
            "warn",
            "the instrumentation logging is off (OTEL_PYTHON_DISABLED_INSTRUMENTATIONS has 'logging'): no record of",
            "Switch it on again, or export no logs.",
        ),
        (
            {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "false"},
            "warn",
            "enable_log_auto_instrumentation is false (OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED): no record of",
            "Change or unset OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED.",
        ),
        (
            {"OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION": "false"},
            "warn",
            "enable_log_auto_instrumentation is false (OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION): no record of",
            "Change or unset OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION.",
        ),
        ({"OTEL_LOGS_EXPORTER": "none"}, "", "", ""),
    ],
)
def test_who_captures_log_records(env, verdict, evidence, remedy):
    result = in_process("doctor", "--offline", "--json", env=env)

    found = [check for check in json.loads(result.stdout)["checks"] if check["id"] == "log-records"]
    assert [check["verdict"] for check in found] == ([verdict] if verdict else [])
    assert all(evidence in check["evidence"] and check["remedy"] == remedy for check in found)


def test_without_its_instrumentation_no_log_record_is_captured(site):
    site("opentelemetry-instrumentation", "0.66b1")
    plan = planned({})
    del plan.instrumentations["logging"]

    (check,) = check_log_records(site.found(), plan)

    assert check.evidence == (
        "logs are exported, and opentelemetry-instrumentation-logging is not installed: no record of the application's"
        " loggers becomes telemetry"
    )
    assert "'opentelemetry-instrumentation-logging<0.67,>=0.66b0'" in check.remedy


# --------------------------------------------------------------------------------------- versions


def pins(check):
    words = shlex.split(check.remedy)
    return dict(word.split("==") for word in words if "==" in word)


def test_mixed_releases_have_one_line_that_ends_in_one_release(site):
    site("opentelemetry-api", "1.45.1")
    site("opentelemetry-sdk", "1.45.1", "opentelemetry-api==1.45.1", "opentelemetry-semantic-conventions==0.66b1")
    site("opentelemetry-semantic-conventions", "0.66b2", "opentelemetry-api==1.45.2")
    site("opentelemetry-instrumentation", "0.66b2", "opentelemetry-semantic-conventions==0.66b2")
    site("opentelemetry-instrumentation-flask", "0.66b1", "opentelemetry-instrumentation==0.66b1")
    site("opentelemetry-util-genai", "0.3b0", "opentelemetry-api>=1.40")
    site("opentelemetry-resource-detector-azure", "0.1.5", "opentelemetry-sdk~=1.12")
    site("distrokit", "0.1.0", "opentelemetry-sdk<2,>=1.43")

    checks = list(check_versions(site.found()))

    assert len(checks) == 3
    assert len({check.remedy for check in checks}) == 1
    # A patch is not published of everything, and the first release of a minor version is.
    assert pins(checks[0]) == {
        "opentelemetry-api": "1.45.1",
        "opentelemetry-sdk": "1.45.1",
        "opentelemetry-semantic-conventions": "0.66b1",
        "opentelemetry-instrumentation": "0.66b1",
        "opentelemetry-instrumentation-flask": "0.66b1",
    }


def test_one_that_is_left_of_an_old_release_goes_with_the_others(site):
    site("opentelemetry-api", "1.45.0")
    site("opentelemetry-semantic-conventions", "0.66b0", "opentelemetry-api==1.45.0")
    site("opentelemetry-instrumentation", "0.66b0", "opentelemetry-semantic-conventions==0.66b0")
    site("opentelemetry-instrumentation-redis", "0.50b0", "opentelemetry-instrumentation==0.50b0")
    site("opentelemetry-instrumentation-flask", "0.66b0", "opentelemetry-instrumentation-wsgi==0.66b0")

    check, _ = check_versions(site.found())

    assert pins(check)["opentelemetry-instrumentation-redis"] == "0.66b0"
    assert pins(check)["opentelemetry-api"] == "1.45.0"
    assert pins(check)["opentelemetry-instrumentation-wsgi"] == "0.66b0"


def test_what_others_allow_decides_and_what_is_no_family_is_asked_for_as_it_is(site):
    site("opentelemetry-api", "1.46.0")
    site("opentelemetry-sdk", "1.45.0", "opentelemetry-api==1.45.0")
    site("distrokit", "0.1.0", "opentelemetry-api<1.46")
    site("distrokit-otlp", "0.2.0", "distrokit==0.2.0", "grpcio>=1.63,<2", "<broken>", "x>=9; extra == 'more'")

    (check, *_) = check_versions(site.found())

    assert pins(check) == {
        "opentelemetry-api": "1.45.0",
        "opentelemetry-sdk": "1.45.0",
        "distrokit": "0.2.0",
        "distrokit-otlp": "0.2.0",
    }
    assert "grpcio<2,>=1.63" in shlex.split(check.remedy)
    assert [r.name for r in requirements_of(site.found()["distrokit-otlp"])] == ["distrokit", "grpcio"]


def test_the_line_is_printed_once_and_is_in_each_finding(tmp_path):
    path = write_distribution(tmp_path, "opentelemetry-acme", "1.0")
    with (tmp_path / "opentelemetry_acme-1.0.dist-info/METADATA").open("a") as file:
        file.write("Requires-Dist: nowhere-one>=1\nRequires-Dist: nowhere-two>=1\n")

    text = in_process("doctor", "--offline", path=[path]).stdout
    data = json.loads(in_process("doctor", "--offline", "--json", path=[path]).stdout)["checks"]

    line = install_line("nowhere-one>=1", "nowhere-two>=1", "opentelemetry-acme", upgrade=True)
    assert [check["remedy"] for check in data if check["id"] == "versions"] == [line, line]
    assert text.count(line) == 1
