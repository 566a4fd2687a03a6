"""``distrokit build``: what it makes, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from attaching import attached, build, index_environ
from interpreters import Environment, find
from processes import clean_environ

SMALL = ("distrokit-otlp", "distrokit-batch", "opentelemetry-instrumentation-logging")
#: Byte code for one Python is enough where that is not what is tested.
ONE = ("--python", sys.executable)


def bare():
    return os.path.realpath(sys.executable)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_input_gives_the_same_bytes(tmp_path, wheels):
    made = []
    for name in ("first", "second/folder"):
        target = tmp_path / name / "otel"
        words = ["--target", str(target), "--archive", f"{target}.tar.gz", "--json", *ONE, *SMALL]
        built = build(*words, wheels=wheels, env={"PYTHONHASHSEED": str(len(made) + 1), "TZ": f"UTC+{len(made)}"})
        assert built.returncode == 0, built.stderr
        zipped = build("--archive", f"{target}.zip", *ONE, *SMALL, wheels=wheels)
        assert zipped.returncode == 0, zipped.stderr
        found = json.loads(built.stdout)
        made.append((found["digest"], digest(Path(f"{target}.tar.gz")), digest(Path(f"{target}.zip"))))
        time.sleep(1.1)

    assert made[0] == made[1]


def test_what_it_says_about_the_folder(folder):
    checked = attached(sys.executable, ["-m", "distrokit", "build", "--check", str(folder)], None)
    data = attached(sys.executable, ["-m", "distrokit", "build", "--check", str(folder), "--json"], None)

    found = json.loads(data.stdout)
    assert checked.returncode == data.returncode == 0, checked.stderr
    assert (found["pythons"], found["native"], found["problems"]) == ("CPython 3.10 and later, of any build", [], [])
    assert {"3.10", "3.11", "3.12", "3.13"} >= {*found["bytecode"]}
    assert found["packages"]["opentelemetry-instrumentation-flask"]
    assert {"pluggy", "h2", "wrapt", "packaging", "typing-extensions"} <= found["private"].keys()
    assert "  native      nothing\n" in checked.stdout
    assert f"{found['bytes'] / 1e6:.1f} MB" in checked.stdout.splitlines()[0]


def test_private_packages_are_reduced_to_what_is_imported(folder):
    private = folder / "distrokit-attached" / "_distrokit_private"

    assert (private / "packaging" / "version.py").is_file()
    assert not (private / "packaging" / "metadata.py").exists()
    assert (private / "certifi" / "cacert.pem").is_file()
    # It imports modules by names that it makes at run time.
    assert (private / "wrapt" / "weakrefs.py").is_file()


def test_byte_code_has_the_docstrings_of_distrokit_and_not_those_of_private_packages(folder):
    program = (
        "import distrokit, pathlib, opentelemetry.instrumentation.utils as utils, _distrokit_private.packaging.version as v;"
        " print(bool(distrokit.__doc__), utils.unwrap.__doc__, v.__doc__, pathlib.Path(v.__cached__).is_file())"
    )
    ran = attached(bare(), ["-c", program], folder)

    assert (ran.stdout, ran.stderr) == ("True None None True\n", "")


def test_licences_of_private_packages_are_beside_them(folder):
    private = folder / "distrokit-attached" / "_distrokit_private"
    contents = attached(sys.executable, ["-m", "distrokit", "build", "--check", str(folder), "--json"], None)

    for name, version in json.loads(contents.stdout)["private"].items():
        texts = [path.read_text() for path in (private / "licenses" / f"{name}-{version}").rglob("*") if path.is_file()]
        assert texts, name
        assert max(map(len, texts)) > 20


def test_a_layer_of_a_container_image(tmp_path, wheels, receiver):
    archive = tmp_path / "otel.tar.gz"
    built = build("--archive", str(archive), "--prefix", "/autoinstrumentation/", *ONE, *SMALL, wheels=wheels)
    assert built.returncode == 0, built.stderr
    with tarfile.open(archive) as packed:
        members = packed.getmembers()
        packed.extractall(tmp_path / "root", filter="data")

    assert {(member.uid, member.gid, member.uname) for member in members} == {(0, 0, "")}
    assert {stat.S_IMODE(member.mode) for member in members} == {0o755, 0o644}
    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    ran = attached(bare(), ["-c", program], tmp_path / "root" / "autoinstrumentation", env)
    assert (ran.stderr, [span.name for span in receiver.store.spans()]) == ("", ["s"])


def test_a_layer_for_lambda_starts_the_function_by_its_wrapper(tmp_path, wheels):
    archive = tmp_path / "otel.zip"
    built = build("--archive", str(archive), *ONE, *SMALL, wheels=wheels)
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(archive) as packed:
        names = packed.namelist()
        wrapper = packed.read("distrokit-attach").decode()
        assert stat.S_IMODE(packed.getinfo("distrokit-attach").external_attr >> 16) == 0o755

    assert "otel/sitecustomize.py" in names
    # A layer is unpacked in /opt.
    script = tmp_path / "wrapper"
    script.write_text(wrapper)
    ran = subprocess.run(
        ["sh", str(script), "sh", "-c", "echo $PYTHONPATH"],
        env={**clean_environ(), "PYTHONPATH": "/var/runtime"},
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "/opt/otel:/var/runtime\n"


def test_from_the_running_environment(tmp_path, wheels, receiver):
    made = Environment(tmp_path / "env", wheels)
    made.install("distrokit[otlp,build]", "opentelemetry-instrumentation-logging", "flask")
    ran = made.run("distrokit", "build", "--target", str(tmp_path / "otel"), *ONE)

    assert ran.returncode == 0, ran.stderr
    assert "flask" not in ran.stdout
    assert "opentelemetry-exporter-otlp-proto-grpc" in ran.stdout.partition("left out")[2]
    assert ran.stdout.endswith(f"PYTHONPATH={tmp_path / 'otel'} python app.py\n")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc")}
    ran = attached(bare(), ["-c", "import logging; logging.warning('low')"], tmp_path / "otel", env)
    assert ([log.body for log in receiver.store.logs()], ran.returncode) == (["low"], 0), ran.stderr


def test_from_packages_in_editable_mode(tmp_path, wheels):
    # The checkout that runs this test.
    words = [
        "--target",
        str(tmp_path / "otel"),
        "--exclude",
        "distrokit-yaml",
        "--exclude",
        "opentelemetry-configuration",
    ]
    built = build(*words, *ONE, wheels=wheels)

    assert built.returncode == 0, built.stderr
    assert (tmp_path / "otel/distrokit-attached/distrokit_otlp/plugin.py").is_file()
    assert not list((tmp_path / "otel").rglob("*.pth"))


def test_from_the_project_of_a_distro(tmp_path, wheels, receiver):
    made = subprocess.run(
        [sys.executable, "-m", "distrokit", "new", "distro", "acme"], cwd=tmp_path, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    project = tmp_path / "acme-otel" / "pyproject.toml"
    built = build("--target", str(tmp_path / "otel"), *ONE, str(project), wheels=wheels)
    assert built.returncode == 0, built.stderr

    program = "from opentelemetry import trace; trace.get_tracer('t').start_span('s').end()"
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint("grpc"), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    attached(bare(), ["-c", program], tmp_path / "otel", env)

    (span,) = receiver.store.spans()
    assert span.resource["telemetry.distro.name"] == "acme"


NATIVE = "opentelemetry-instrumentation-system-metrics"


def test_native_code_is_named_with_what_to_do(tmp_path, wheels):
    target = tmp_path / "otel"
    refused = build("--target", str(target), *ONE, *SMALL, NATIVE, wheels=wheels)

    assert refused.returncode == 1
    assert "psutil" in refused.stderr
    assert f"does not work without it; needed by {NATIVE}: --exclude {NATIVE}" in refused.stderr
    assert "--allow-native" in refused.stderr
    assert not any(tmp_path.iterdir())
    without = build("--target", str(target), *ONE, *SMALL, NATIVE, "--exclude", NATIVE, wheels=wheels)
    assert without.returncode == 0, without.stderr


def test_a_folder_with_native_code_serves_one_python(tmp_path, wheels):
    built = build("--target", str(tmp_path / "otel"), "--allow-native", *SMALL, NATIVE, wheels=wheels)
    assert built.returncode == 0, built.stderr
    version = ".".join(map(str, sys.version_info[:2]))
    assert f"  for         {version} linux" in built.stdout
    assert "psutil/_psutil_linux" in built.stdout

    env = {"OTEL_METRICS_EXPORTER": "none", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    program = "import sys; print('_distrokit_private.psutil._psutil_linux' in sys.modules)"
    ran = attached(bare(), ["-c", program], tmp_path / "otel", env)
    assert (ran.stdout, ran.stderr) == ("True\n", "")
    other = find("3.13" if version != "3.13" else "3.12")
    if other is not None:
        ran = attached(os.path.realpath(other), ["-c", "print('ran')"], tmp_path / "otel", env)
        assert ran.stdout == "ran\n"
        assert f"it has native code for {version} linux" in ran.stderr
        assert len(ran.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "otel", "opentelemetry-api"], "distrokit is not among the packages. Add 'distrokit[otlp]'"),
        (["--target", "otel", *SMALL, "wrapt==1.16.0", "wrapt==1.17.0"], "wrapt==1.1"),
        (["--target", "otel", *SMALL, "no-such-package-at-all"], "no-such-package-at-all"),
        (["--target", "otel", *SMALL, "--exclude", "nothing"], "--exclude nothing: it is not among the packages"),
        (["--target", "otel", *SMALL, "--exclude", "wrapt"], "needs wrapt, which --exclude leaves out"),
        (["--target", "otel", "-r", "absent.txt"], "there is no file absent.txt"),
        (["--target", "otel", *SMALL, "--python", "no-such-python"], "--python no-such-python: it cannot be run"),
        (["--target", ".", *SMALL], "is, or contains, the working directory"),
        (["--target", "otel", "--archive", "otel/x.zip", *SMALL], "is in the folder that is built"),
        (["--archive", "otel.zip", "--prefix", "../etc", *SMALL], "--prefix '../etc' is no folder"),
        (["--archive", "otel.rar", *SMALL], "it ends in neither .tar.gz nor .zip"),
        (["--target", "/proc/otel", *SMALL], "/proc/otel cannot be written"),
        (["--target", __file__, *SMALL], "is a file"),
        (["--check", "/tmp"], "/tmp is not a folder of `distrokit build`"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_left(tmp_path, wheels, words, said):
    environ = clean_environ(index_environ(wheels))
    command = [sys.executable, "-m", "distrokit", "build", *words]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=300)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())


def test_a_wrong_command_line(wheels):
    for words in ([], ["--check", "x", "--target", "y"], ["--target", "x", "--prefix", "y"]):
        done = build(*words, wheels=wheels)
        assert (done.returncode, "usage: " in done.stderr) == (2, True)


def test_other_files_are_never_replaced(tmp_path, wheels):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("")
    done = build("--target", str(tmp_path / "app"), *ONE, *SMALL, wheels=wheels)

    assert (done.returncode, "is no folder of `distrokit build`, and has files in it" in done.stderr) == (1, True)
    assert [path.name for path in tmp_path.rglob("*")] == ["app", "app.py"]


def test_an_older_folder_is_replaced_and_kept_when_the_build_fails(tmp_path, wheels):
    target = tmp_path / "otel"
    assert build("--target", str(target), *ONE, *SMALL, wheels=wheels).returncode == 0
    before = sorted(target.rglob("*"))

    assert build("--target", str(target), *ONE, *SMALL, NATIVE, wheels=wheels).returncode == 1
    assert sorted(target.rglob("*")) == before
    assert build("--target", str(target), *ONE, *SMALL[:2], wheels=wheels).returncode == 0
    assert not (target / "distrokit-attached/opentelemetry/instrumentation/logging").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["otel"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_build_leaves_nothing(tmp_path, wheels, number):
    target = tmp_path / "otel"
    process = subprocess.Popen(
        [sys.executable, "-m", "distrokit", "build", "--target", str(target), *SMALL],
        env=clean_environ(index_environ(wheels)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not any(tmp_path.glob(".otel.part-*/built/*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)

    assert process.wait(30) != 0
    assert not any(tmp_path.iterdir())


def test_another_build_of_the_same_folder_is_left_alone(tmp_path, wheels):
    target = tmp_path / "otel"
    command = [sys.executable, "-m", "distrokit", "build", "--target", str(target), *ONE, *SMALL]
    first = subprocess.Popen(command, env=clean_environ(index_environ(wheels)), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not any(tmp_path.glob(".otel.part-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    # A build that was killed left this behind.
    (tmp_path / ".otel.part-999999999-x").mkdir()

    second = build("--target", str(target), *ONE, *SMALL, wheels=wheels)

    assert (first.wait(120), second.returncode) == (0, 0), second.stderr
    assert build("--check", str(target), wheels=wheels).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["otel"]


def test_entry_points_of_others_stay_outside(tmp_path, wheels):
    project = tmp_path / "mixed"
    (project / "mixed_plugin").mkdir(parents=True)
    (project / "mixed_plugin" / "__init__.py").write_text("")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "mixed-plugin"\nversion = "1"\n[project.scripts]\nmixed = "mixed_plugin:main"\n'
        '[project.entry-points.distrokit]\nmixed = "mixed_plugin"\n[project.entry-points.pytest11]\nmixed = "mixed_plugin"\n'
    )
    built = build("--target", str(tmp_path / "otel"), *ONE, *SMALL, str(project), wheels=wheels)
    assert built.returncode == 0, built.stderr

    text = (tmp_path / "otel/distrokit-attached/mixed_plugin-1.dist-info/entry_points.txt").read_text()

    assert (text.split(), "mixed_plugin" in built.stdout) == (["[distrokit]", "mixed", "=", "mixed_plugin"], False)


def test_a_full_disk_leaves_nothing(tmp_path, wheels):
    # No file may be longer than that, which is how a full disk looks to the one who writes.
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    made = Environment(tmp_path / "env", wheels)
    made.install("distrokit[build]", *SMALL)
    (tmp_path / "place").mkdir()
    done = subprocess.run(
        [str(made.bin / "distrokit"), "build", "--target", str(tmp_path / "place" / "otel")],
        env=clean_environ(),
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "File too large" in done.stderr
    assert not any((tmp_path / "place").iterdir())


def test_a_damaged_folder_is_reported(tmp_path, wheels):
    target = tmp_path / "otel"
    assert build("--target", str(target), *ONE, *SMALL, wheels=wheels).returncode == 0
    (target / "musl" / "sitecustomize.py").unlink()
    (target / "distrokit-attached" / "fast.so").write_bytes(b"")
    (target / "distrokit-attached" / "distrokit" / "__init__.py").write_text("")
    # A Python that may write adds its byte code.
    (target / "__pycache__" / "sitecustomize.cpython-399.pyc").write_bytes(b"")

    checked = build("--check", str(target), wheels=wheels)

    assert checked.returncode == 1
    assert "problem     it has native code that it was not built with" in checked.stdout
    assert "problem     missing: musl/sitecustomize.py\n" in checked.stdout
    assert "problem     changed: distrokit-attached/distrokit/__init__.py\n" in checked.stdout
    assert "problem     new: distrokit-attached/fast.so\n" in checked.stdout


def test_a_dynamic_import_of_a_private_package_is_found(tmp_path, wheels):
    project = tmp_path / "odd"
    (project / "odd_plugin").mkdir(parents=True)
    (project / "odd_plugin" / "__init__.py").write_text("name = 'wr' + 'apt'\n__import__(name)\n")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "odd-plugin"\nversion = "1"\ndependencies = ["wrapt"]\n'
        '[project.entry-points.distrokit]\nodd = "odd_plugin"\n'
    )
    done = build("--target", str(tmp_path / "otel"), *ONE, *SMALL, str(project), wheels=wheels)

    assert done.returncode == 1
    assert "odd_plugin of odd-plugin 1 imports wrapt in a way that cannot be rewritten" in done.stderr
    assert "--exclude odd-plugin" in done.stderr


def test_what_is_named_and_not_needed_is_said(tmp_path, wheels):
    done = build("--target", str(tmp_path / "otel"), *ONE, *SMALL[:2], "pytz", wheels=wheels)

    assert done.returncode == 0, done.stderr
    assert "  left out    pytz: no part of the telemetry needs it\n" in done.stdout
    assert "  note        nothing is instrumented; add packages such as" in done.stdout


def test_a_damaged_folder_has_a_remedy(tmp_path, folder):
    damaged = tmp_path / "otel"
    shutil.copytree(folder, damaged)
    (damaged / "sitecustomize.py").write_text("")
    checked = attached(sys.executable, ["-m", "distrokit", "build", "--check", str(damaged)], None)

    assert checked.returncode == 1
    assert checked.stdout.endswith(
        "  problem     changed: sitecustomize.py\n  remedy      build it again, to the same --target\n"
    )
