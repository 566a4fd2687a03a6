"""``distrokit new``: names are checked first, nothing is overwritten, and what is made works."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from distributions import write_distribution, write_distro, write_plugin
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from processes import BIN, clean_environ, distrokit

from distrokit_dev.new.command import new
from distrokit_dev.new.folder import write_folder
from distrokit_dev.new.names import Names, names
from distrokit_dev.new.refusal import Refused
from distrokit_dev.new.rendering import render

LONGEST = "abcdefgh-abcdefghij-abcdefghij-abcdefghi"


def made(kind: str, name: str, directory: str | None = None, *, as_json: bool = False) -> int:
    return new(Namespace(kind=kind, name=name, directory=directory, json=as_json))


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("kind", "typed", "own", "distribution"),
    [
        ("plugin", "acme", "acme", "distrokit-acme"),
        ("plugin", "distrokit-acme", "acme", "distrokit-acme"),
        ("plugin", "acme-otel", "acme", "acme-otel"),
        ("plugin", "Acme_OpenTelemetry.Plugin", "acme", "acme-opentelemetry-plugin"),
        ("plugin", "acme-json", "acme-json", "acme-json"),
        ("distro", "acme", "acme", "acme-otel"),
        ("distro", "acme-distro", "acme", "acme-distro"),
        ("distro", "two--words", "two-words", "two-words"),
    ],
)
def test_names_that_follow_from_one(kind, typed, own, distribution):
    assert names(kind, typed) == Names(kind, own, distribution, distribution.replace("-", "_"))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "'' is not a valid name for a distribution: use letters a-z, digits, and dashes between them."),
        ("-", "'-' is not a valid name for a distribution"),
        ("acme-", "'acme-' is not a valid name for a distribution"),
        ("a b", "'a b' is not a valid name for a distribution"),
        ("../acme", "'../acme' is not a valid name for a distribution"),
        ("bücher", "'bücher' is not a valid name for a distribution"),
        ("acme\n", "'acme\\n' is not a valid name for a distribution"),
        ("{{ 7*7 }}", "'{{ 7*7 }}' is not a valid name for a distribution"),
        (f"{LONGEST}j", f"'{LONGEST}j' has more than 40 characters. Use a shorter name."),
        ("1acme", "'1acme' cannot be the name of a Python module: '1acme' begins with a digit"),
        ("distrokit-2", "'distrokit-2' cannot be the name of a Python module: '2' begins with a digit"),
        ("class", "'class' cannot be the name of a Python module: 'class' is a keyword. Put another word in front"),
        ("Json", "'Json' conflicts with the standard library's module 'json'. Put another word in front"),
        ("py-compile", "'py-compile' conflicts with the standard library's module 'py_compile'"),
        ("distrokit", "'distrokit' has generic words only: distrokit, opentelemetry, otel, plugin, distro"),
        ("OpenTelemetry", "'OpenTelemetry' has generic words only"),
        ("otel-distro", "'otel-distro' has generic words only"),
        ("otlp", "the plugin 'otlp' is already installed, by distrokit-otlp 0.1.0. Choose another name"),
        ("OTLP-plugin", "the plugin 'otlp' is already installed, by distrokit-otlp 0.1.0."),
        ("pytest-timeout", "the distribution pytest-timeout is already installed: version "),
        ("fresh", "the plugin 'Fresh' is already installed, by somebodys-own 3.0."),
        ("lonely", "the module distrokit_lonely already exists: "),
    ],
)
@pytest.mark.parametrize("kind", ["plugin", "distro"])
def test_a_name_that_cannot_be(kind, typed, message, here, tmp_path_factory, monkeypatch, capsys):
    path = tmp_path_factory.mktemp("installed")
    write_plugin(path, "Fresh", "", distribution="somebodys-own", version="3.0")
    # A module that no distribution claims: of a script, or of a folder on PYTHONPATH.
    for module in ("distrokit_lonely", "lonely_otel"):
        (path / f"{module}.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(path)
    if kind == "distro":
        message = message.replace("distrokit_lonely", "lonely_otel")

    assert made(kind, typed) == 1

    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"distrokit new: {message}")
    assert err.count("\n") == 1
    assert below(here) == set()


def test_a_distro_that_is_installed_is_named(here, tmp_path_factory, monkeypatch, capsys):
    monkeypatch.syspath_prepend(write_distro(tmp_path_factory.mktemp("one")))
    entry_points = {"distrokit.distro": {"mine": "mine:DISTRO"}}
    monkeypatch.syspath_prepend(write_distribution(tmp_path_factory.mktemp("two"), "mine-own", "2.0", entry_points))

    assert (made("distro", "other"), made("distro", "mine"), made("plugin", "other")) == (1, 1, 0)

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("distrokit new: the distro 'other' is already installed, by other-distro 1.0.")
    assert second.startswith("distrokit new: the distro 'mine' is already installed, by mine-own 2.0.")


NEARLY = st.text("abcxyzABC019._-", min_size=1, max_size=45)


@given(kind=st.sampled_from(["plugin", "distro"]), typed=NEARLY | st.text(max_size=60))
@example(kind="plugin", typed="/etc/acme")
@example(kind="plugin", typed="..")
@example(kind="distro", typed="acme\0")
@example(kind="distro", typed="\ud800")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=100)
def test_a_wild_name_makes_its_folder_or_nothing(kind, typed, here):
    folder = here / "a" / "b"
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)
    try:
        code = made(kind, typed)

        left = {path for path in below(here) if path not in ("a", "a/b")}
        if code == 1:
            assert left == set()
        else:
            root = f"a/b/{names(kind, typed).distribution}"
            assert f"{root}/pyproject.toml" in left
            assert all(path == root or path.startswith(f"{root}/") for path in left)
    finally:
        os.chdir(here)
        shutil.rmtree(folder)


@given(directory=st.text(min_size=1, max_size=300))
@example(directory="\0")
@example(directory=".")
@example(directory="\ud800")
@example(directory="x" * 300)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
def test_a_wild_directory_is_made_or_refused(directory, here):
    # One path segment, so that nothing of this machine is written to.
    segment = directory.replace("/", "_").replace("..", "_")
    segment = "_" if segment == "." else segment

    assert made("plugin", "acme", str(here / "in" / segment)) == 1
    assert not (here / "in").exists()
    if made("plugin", "acme", str(here / segment)) == 0:
        assert (here / segment / "pyproject.toml").is_file()
    shutil.rmtree(here)
    here.mkdir()
    os.chdir(here)


# --------------------------------------------------------------------------------------- folder


def test_nothing_is_overwritten(here, capsys):
    assert made("plugin", "acme") == 0
    mine = here / "distrokit-acme" / "README.md"
    mine.write_text("mine")
    before = below(here)
    (here / "file").write_text("mine")
    (here / "dangling").symlink_to(here / "nowhere")

    assert made("plugin", "acme") == 1
    assert made("distro", "acme", "distrokit-acme/src") == 1
    assert made("plugin", "acme", "file") == 1
    assert made("plugin", "acme", "file/inside") == 1
    assert made("plugin", "acme", "dangling") == 1
    assert made("plugin", "acme", "no/where") == 1

    where = f"{here}/"
    assert [line.removeprefix("distrokit new: ") for line in capsys.readouterr().err.splitlines()] == [
        f"the folder '{where}distrokit-acme' is not empty: '.github' is in it. Choose another one with --directory.",
        f"the folder '{where}distrokit-acme/src' is not empty: 'distrokit_acme' is in it. Choose another one with --directory.",
        f"'{where}file' exists and is not a folder. Choose another one with --directory.",
        f"the folder '{where}file' does not exist. Create it first.",
        f"'{where}dangling' exists and is not a folder. Choose another one with --directory.",
        f"the folder '{where}no' does not exist. Create it first.",
    ]
    assert below(here) == before | {"file", "dangling"}
    assert (mine.read_text(), (here / "file").read_text()) == ("mine", "mine")


def test_an_empty_folder_is_filled_and_stays_the_same(here, capsys):
    inode = here.stat().st_ino

    assert made("plugin", "acme", ".") == 0

    # A shell that stands in it goes on standing in it.
    assert here.stat().st_ino == inode
    assert (here / "src/distrokit_acme/plugin.py").is_file()
    assert sorted(path.name for path in here.iterdir()) == [".github", ".gitignore", "README.md", "pyproject.toml", "src", "tests"]  # fmt: skip
    assert "  cd " not in capsys.readouterr().out


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_written_leaves_nothing(there, here):
    folder = here / "new"
    if there:
        folder.mkdir()

    with pytest.raises(Refused, match="cannot be created"):
        write_folder(folder, {"a": "a file", "a/b": "below a file"})

    assert below(here) == ({"new"} if there else set())


@pytest.mark.parametrize("there", [True, False])
def test_somebody_who_is_quicker_keeps_what_is_theirs(there, here):
    folder = here / "new"
    if there:
        folder.mkdir()

    class Files(dict):
        def items(self):
            folder.mkdir(exist_ok=True)
            (folder / "b").write_text("theirs")
            return super().items()

    with pytest.raises(Refused, match="cannot be created"):
        write_folder(folder, Files({"a/in/side": "ours", "b": "ours", "c": "ours"}))

    assert below(here) == {"new", "new/b"}
    assert (folder / "b").read_text() == "theirs"


def test_ctrl_c_leaves_nothing(here):
    class Files(dict):
        def items(self):
            yield "a", "written"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_folder(here / "new", Files())

    assert below(here) == set()


# -------------------------------------------------------------------------------------- command


def test_the_command_says_what_it_made_and_what_to_type(here):
    result = subprocess.run(
        [str(BIN / "distrokit"), "new", "plugin", "Acme", "--directory", "my plugin"],
        env=clean_environ(),
        cwd=here,
        capture_output=True,
        text=True,
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == PICTURE
    assert {path for path in below(here / "my plugin") if (here / "my plugin" / path).is_file()} == set(FILES)


FILES = [
    ".github/workflows/ci.yml",
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/distrokit_acme/__init__.py",
    "src/distrokit_acme/plugin.py",
    "src/distrokit_acme/py.typed",
    "tests/conftest.py",
    "tests/test_plugin.py",
]
PICTURE = f"""\
Made the plugin acme in my plugin

  plugin        acme
  distribution  distrokit-acme
  module        distrokit_acme

  {(chr(10) + "  ").join(FILES)}

It has no licence: choose one before you publish it.
Next:

  cd 'my plugin'
  python -m pip install -e ".[test]"
  python -m pytest
"""


def test_the_command_as_json(here, capsys):
    assert made("distro", "acme", as_json=True) == 0
    data = json.loads(capsys.readouterr().out)
    files = data.pop("files")
    assert data == {
        "schema": 1,
        "ok": True,
        "kind": "distro",
        "name": "acme",
        "distribution": "acme-otel",
        "module": "acme_otel",
        "directory": str(here / "acme-otel"),
        "next": ["cd acme-otel", 'python -m pip install -e ".[test]"', "python -m pytest"],
    }
    assert set(files) == {path for path in below(here / "acme-otel") if (here / "acme-otel" / path).is_file()}

    assert made("distro", "acme", as_json=True) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["schema"], data["ok"]) == (1, False)
    assert "is not empty" in data["problem"]


@pytest.mark.parametrize("words", [[], ["plugin"], ["pipeline", "acme"], ["plugin", "acme", "--force"]])
def test_a_wrong_command_line(words, here):
    result = distrokit("new", *words)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("usage: distrokit ")


def test_a_folder_is_never_an_option_of_cd(here, capsys):
    assert made("plugin", "acme", "-P") == 0

    assert "\n  cd ./-P\n" in capsys.readouterr().out


# ------------------------------------------------------------------------------------ what is made


@pytest.mark.parametrize("name", ["acme", LONGEST])
@pytest.mark.parametrize("kind", ["plugin", "distro"])
def test_what_is_made_is_in_the_style_of_ruff(kind, name, here):
    assert made(kind, name, ".") == 0

    for command in ("check", "format --check"):
        ran = subprocess.run([BIN / "ruff", *command.split(), "--no-cache", "."], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(("name", "theirs"), [("github", "GITHUB_TOKEN"), ("aws", "AWS_REGION")])
def test_its_variables_are_nobody_elses(name, theirs):
    files = render(names("distro", name))

    text = "".join(files.values())
    assert theirs not in text
    assert theirs.replace("_", "_OTEL_") in files[f"src/{name}_otel/plugin.py"]
    assert theirs.replace("_", "_OTEL_") in files["README.md"]


def test_what_is_made_is_typed(here):
    files, path = [], []
    for kind in ("plugin", "distro"):
        assert made(kind, "acme", kind) == 0
        # Each has a conftest.py, and mypy takes one of them.
        files += [str(file) for file in (here / kind).rglob("*.py") if file.name != "conftest.py"]
        path += [str(here / kind / "src"), str(here / kind / "tests")]
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.10", "--explicit-package-bases"]

    env = {**clean_environ(), "MYPYPATH": os.pathsep.join(path)}
    ran = subprocess.run([*command, *files], env=env, capture_output=True, text=True)

    assert ran.stdout == "Success: no issues found in 7 source files\n", ran.stdout


@pytest.mark.parametrize("kind", ["plugin", "distro"])
def test_the_workflow_runs_on_every_supported_python(kind):
    files = render(names(kind, "acme"))

    # Braces of the templates' own kind, and of the workflow's.
    assert 'python: ["3.10", "3.11", "3.12", "3.13"]' in files[".github/workflows/ci.yml"]
    assert "python-version: ${{ matrix.python }}\n" in files[".github/workflows/ci.yml"]


PROTOCOL = "http/protobuf"
REQUESTS = """
from opentelemetry import trace

for path in ("/healthz", "/orders"):
    trace.get_tracer("t").start_span(path, attributes={"url.path": path}).end()
"""


@pytest.mark.wheels
@pytest.mark.xdist_group("wheels")
@pytest.mark.parametrize("kind", ["plugin", "distro"])
def test_a_new_package_passes_its_tests_and_takes_effect(kind, environment, receiver):
    environment.install("distrokit[dev,otlp]", "pip")
    data = json.loads(environment.run("distrokit", "new", kind, "acme", "--json").stdout)

    if kind == "plugin":
        # What it says to type, typed. Once: pip takes its time.
        commands = data["next"]
    else:
        environment.install("-e", f"{data['directory']}[test]")
        commands = [data["next"][0], data["next"][-1]]
    env = {"PIP_FIND_LINKS": str(environment.wheels), "PIP_QUIET": "1"}
    typed = environment.run("/bin/sh", "-ec", "\n".join(commands), env=env)
    assert typed.returncode == 0, typed.stdout + typed.stderr
    assert re.search(r"^=+ \d passed in ", typed.stdout, re.MULTILINE), typed.stdout

    (environment.folder / "app.py").write_text(REQUESTS)
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint(PROTOCOL), "OTEL_EXPORTER_OTLP_PROTOCOL": PROTOCOL}
    ran = environment.run("opentelemetry-instrument", "python", "app.py", env=env)
    assert (ran.returncode, ran.stderr) == (0, "")
    spans = receiver.store.spans()
    if kind == "plugin":
        assert [span.name for span in spans] == ["/orders"]
    else:
        assert [span.resource["telemetry.distro.name"] for span in spans] == ["acme", "acme"]
    plugins = environment.run("distrokit", "plugins").stdout
    assert f"acme        {data['distribution']} 0.1.0" in plugins
    again = environment.run("distrokit", "new", kind, "acme", "--directory", "other")
    assert f"the plugin 'acme' is already installed, by {data['distribution']} 0.1.0." in again.stderr
    # Which is not installed there.
    theirs = environment.run("distrokit", "new", kind, "spool").stderr
    assert "the plugin 'spool' is one of distrokit's own, in distrokit-spool. Choose another name." in theirs
