"""Programs that carry their own libraries, made by the real tools: a launcher cannot reach them, and that is said."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import zipfile

import pytest
from commands import in_process
from processes import BIN, NOWHERE, QUIET, clean_environ, run, said

from distrokit.doctor.installer import install_line
from distrokit.settings import frozen_programs

APP = "import os, sys; print('ran', sys.flags.isolated, *sys.argv[1:]); open('ran', 'w').close()"
KEPT_OUT = "a pex file, which starts Python anew, isolated and with its own libraries: a launcher cannot reach it"


@pytest.fixture(scope="module")
def pex(tmp_path_factory):
    """A pex with one module and no libraries."""
    pytest.importorskip("pex", reason="its wheels are for Linux")
    folder = tmp_path_factory.mktemp("pex")
    (folder / "src").mkdir()
    (folder / "src/shop.py").write_text(APP)
    words = [
        "-m",
        "pex",
        "-D",
        "src",
        "-m",
        "shop",
        "-o",
        "shop.pex",
        "--pex-root",
        "root",
        "--runtime-pex-root",
        "root",
    ]
    subprocess.run([sys.executable, *words], cwd=folder, env=clean_environ(), check=True, capture_output=True)
    return folder / "shop.pex"


@pytest.mark.parametrize("launcher", [["distrokit", "run"], ["opentelemetry-instrument"]])
@pytest.mark.parametrize("by_python", [True, False])
def test_a_launcher_says_once_that_it_does_not_get_into_a_pex(pex, launcher, by_python):
    program = [sys.executable, pex.name] if by_python else ["./shop.pex"]

    result = run([str(BIN / launcher[0]), *launcher[1:], *program, "word"], QUIET, cwd=pex.parent)

    assert result.stdout == "ran 1 word\n"
    lines = [line for line in said(result) if "pex" in line]
    if by_python or launcher[0] == "distrokit":
        (line,) = lines
        assert KEPT_OUT in line
        assert "it runs without telemetry" in line
        assert "call distrokit.start() first in the application" in line


def test_doctor_says_it_and_starts_nothing(pex):
    (pex.parent / "ran").unlink(missing_ok=True)

    for words in (["python", str(pex)], [str(pex)], ["env", "A=b", sys.executable, "-u", "-W", "default", str(pex)]):
        result = in_process("doctor", "--offline", "--json", "--", *words, env=QUIET)
        (check,) = json.loads(result.stdout)["checks"]
        assert (result.returncode, check["id"], check["verdict"]) == (1, "bundle", "fail")
        assert KEPT_OUT in check["evidence"]
        assert "docs/frozen-programs.md" in check["remedy"]
    assert not (pex.parent / "ran").exists()


def test_a_pex_with_distrokit_in_it_may_start_it_itself(tmp_path):
    path = tmp_path / "shop.pex"
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        file.write(f"#!{sys.executable}\n".encode())
        archive.writestr("__main__.py", APP)
        archive.writestr("PEX-INFO", json.dumps({"distributions": {"distrokit-0.1.0-py3-none-any.whl": "x"}}))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)

    doctor = in_process("doctor", "--json", "--", str(path), env=QUIET)
    result = run([str(BIN / "distrokit"), "run", sys.executable, str(path)], QUIET, cwd=tmp_path)

    (check,) = json.loads(doctor.stdout)["checks"]
    assert (doctor.returncode, check["verdict"]) == (0, "warn")
    assert check["remedy"] == "Start it with DISTROKIT_DOCTOR=1: it prints the report to stderr."
    assert result.stdout == "ran 0\n"
    assert result.stderr == (
        f"distrokit run: {path} is {KEPT_OUT}; it runs without telemetry unless its code starts it\n"
    )


@pytest.mark.parametrize("words", [["python", "-c", "x.pex"], ["python", "-m", "x.pex"], ["python"], [], ["nowhere"]])
def test_other_programs_are_no_bundles(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.pex").write_bytes(b"PK PEX-INFO, and no archive")
    (tmp_path / "app.pyz").write_bytes(b"#!python\nPK\x03\x04")

    assert frozen_programs.bundle_of(words) is None
    assert frozen_programs.bundle_of(["python", "app.pyz"]) is None
    assert frozen_programs.bundle_of(["python", "-Wdefault", "-X", "dev", "x.pex"]).complete is False


def test_nobody_is_told_to_run_pip_in_a_program_that_is_built(monkeypatch):
    assert frozen_programs.to_install("distrokit[otlp]") == "Run `pip install 'distrokit[otlp]'`."
    monkeypatch.setattr(sys, "frozen", True, raising=False)

    said_instead = "Add distrokit[otlp] to what this program is built from (see docs/frozen-programs.md)."
    assert frozen_programs.to_install("distrokit[otlp]") == said_instead
    assert install_line("distrokit[otlp]") == said_instead


@pytest.mark.wheels
@pytest.mark.timeout(400)
def test_pyinstaller_collects_plugins_and_instrumentations_by_itself(tmp_path, receiver):
    pytest.importorskip("PyInstaller")
    (tmp_path / "shop.py").write_text(
        "import distrokit\npipeline = distrokit.start()\n"
        "import logging, sys\nfrom opentelemetry import trace\n"
        "logging.getLogger('shop').warning('declined')\n"
        "trace.get_tracer('shop').start_span('checkout').end()\n"
        "print(sys.frozen, sorted(pipeline.plan.instrumentations), len(pipeline.plan.problems))\n"
    )
    # Without the large libraries of other tests, which half of the time went into.
    left_out = (
        "django",
        "gevent",
        "setuptools",
        "tkinter",
        "cryptography",
        "pygments",
        "opentelemetry.instrumentation.django",
    )
    words = ["-m", "PyInstaller", "--log-level", "ERROR", *(f"--exclude-module={name}" for name in left_out)]
    subprocess.run([sys.executable, *words, "shop.py"], cwd=tmp_path, env=clean_environ(), check=True, timeout=350)
    program = tmp_path / "dist/shop/shop"

    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "django"}
    found = run([str(program)], env)
    launched = run([str(BIN / "distrokit"), "run", str(program)], {**NOWHERE, **QUIET})
    doctor = in_process("doctor", "--json", "--", str(program), env=QUIET)

    assert found.stdout == "True ['django', 'flask', 'logging', 'requests'] 0\n", found.stderr
    assert [span.name for span in receiver.store.spans()] == ["checkout"]
    assert [log.body for log in receiver.store.logs()] == ["declined"]
    assert "is an executable of PyInstaller, which has a Python of its own that ignores PYTHONPATH" in launched.stderr
    assert json.loads(doctor.stdout)["checks"][0]["verdict"] == "warn"
