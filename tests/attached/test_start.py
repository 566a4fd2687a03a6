"""The first file of a folder and the start in it, step by step; `test_attaching` runs the real thing."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from types import ModuleType

import pytest
from attaching_parts import CONTENTS, Started, installed

from distrokit.launch.site.sitecustomize import is_launcher

first = import_module("distrokit.attached.site.sitecustomize")
start = import_module("distrokit.attached.start")

UPSTREAMS = "opentelemetry/instrumentation/auto_instrumentation"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    for name in ("_DISTROKIT_ASKED", "DISTROKIT_ATTACH", first.SAID):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder whose start notes that it was called."""
    code = tmp_path / "otel" / first.PACKAGE
    code.mkdir(parents=True)
    (code / "__init__.py").write_text("")
    (code / "start.py").write_text(
        "calls = []\n"
        "class Attachment:\n"
        "    def __init__(self, root, say, import_next, answer_doctor):\n"
        "        calls.append(root)\n"
        "    def start(self):\n"
        "        calls.append('started')\n"
    )
    monkeypatch.setattr(first, "__file__", str(tmp_path / "otel" / "sitecustomize.py"))
    monkeypatch.setattr(first, "import_next", lambda: followed.append(1))
    followed: list[int] = []
    yield tmp_path / "otel", followed
    for name in [name for name in sys.modules if name.startswith(first.PACKAGE)]:
        del sys.modules[name]


@pytest.mark.parametrize("entry", first.ENTRIES)
def test_each_entry_leads_to_the_root(root, entry):
    folder, _ = root

    assert first.find_root(str(folder / entry) if entry else str(folder)) == str(folder)
    # The Pythons that a start itself runs get a path without it.
    assert is_launcher(str(folder / entry))
    assert not is_launcher(str(folder.parent / "elsewhere"))
    assert first.find_root("/elsewhere/glibc") == ""


def test_it_leaves_the_path_and_starts(root, monkeypatch):
    folder, followed = root
    sys.path[:0] = [str(folder), str(folder / "glibc"), "/kept"]

    first._attach()

    assert sys.modules[f"{first.PACKAGE}.start"].calls == [str(folder), "started"]
    assert (sys.path[0], str(folder) in sys.path, followed) == ("/kept", False, [])


def test_switched_off_it_imports_what_follows(root, monkeypatch):
    for name, value in (("DISTROKIT_ATTACH", "off"), ("OTEL_PYTHON_DISTROKIT_ATTACH", "0")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            first._attach()

    assert (root[1], first.PACKAGE in sys.modules) == ([1, 1], False)


def test_a_second_folder_leaves_it_to_the_first(root, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, first.PACKAGE, ModuleType(first.PACKAGE))
    first._attach()
    assert (root[1], capsys.readouterr().err) == ([1], "")

    monkeypatch.setenv("OTEL_LOG_LEVEL", "debug")
    first._attach()
    assert "another folder is before it on the path, and is used instead" in capsys.readouterr().err


def test_an_old_python_is_told_once(root, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))

    first._attach()
    first._attach()

    line = (
        f"distrokit: {root[0]}: Python 3.9 is older than 3.10; the application runs without distrokit."
        " Run the application with Python 3.10 or later, or set DISTROKIT_ATTACH=0.\n"
    )
    assert (capsys.readouterr().err, root[1]) == (line, [1, 1])


def test_a_start_that_cannot_be_imported_is_said(root, capsys):
    (root[0] / first.PACKAGE / "start.py").write_text("import no_such_module\n")

    first._attach()

    said = capsys.readouterr().err
    assert "No module named 'no_such_module'; the application runs without distrokit. Build the folder again." in said
    assert root[1] == [1]


def test_words_without_a_place_are_lost(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    first.say("nobody hears it")


def test_the_next_one_is_imported_and_this_one_stays(tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules[__name__].is_next = True\n")
    sys.path.insert(0, str(tmp_path))
    this = ModuleType("sitecustomize")
    monkeypatch.setitem(sys.modules, "sitecustomize", this)

    first.import_next()
    assert sys.modules["sitecustomize"].is_next

    sys.modules["sitecustomize"] = this
    (tmp_path / "sitecustomize.py").unlink()
    sys.path[:] = [str(tmp_path)]
    first.import_next()
    assert sys.modules["sitecustomize"] is this


def test_the_doctor_gets_the_reason(tmp_path, monkeypatch):
    ended = []
    monkeypatch.setattr("os._exit", ended.append)
    first.answer_doctor("why", "what to do")
    monkeypatch.setenv("_DISTROKIT_ASKED", json.dumps([[], str(tmp_path / "answer")]))
    first.answer_doctor("why", "what to do")

    assert (ended, json.loads((tmp_path / "answer").read_text())) == ([0], {"disabled": "why", "remedy": "what to do"})


@pytest.fixture
def attach(tmp_path, monkeypatch):
    """Start in an application with some of OpenTelemetry's packages; return what was done."""
    done: list[object] = []
    contents = ModuleType("distrokit.attached.contents")
    contents.CONTENTS = CONTENTS
    monkeypatch.setitem(sys.modules, "distrokit.attached.contents", contents)
    monkeypatch.setattr(start, "_installed_launcher", lambda: "")
    monkeypatch.setattr(start, "_sleep", lambda: False)
    monkeypatch.setattr("distrokit.launch.site.sitecustomize.start_process", lambda: done.append("started"))
    monkeypatch.setattr("distrokit.cli.guard.sitecustomize.answer_attached", done.append)

    def attach(*path, **versions):
        application = installed(tmp_path / "application", **versions)
        monkeypatch.setattr(sys, "path", [application, *path])
        for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
            monkeypatch.delitem(sys.modules, name)
        started = Started(tmp_path)
        started.attachment.start()
        return started, done

    return attach


def test_it_starts_with_a_finder(attach, monkeypatch):
    monkeypatch.setenv("OTEL_LOG_LEVEL", "debug")
    started, done = attach(api="1.20.0")

    assert done == ["started"]
    assert type(sys.meta_path[0]).__name__ == "AttachedFinder"
    assert "opentelemetry-api 1.20.0 is replaced by 1.45.1 (folder first, " in started.said[0]


@pytest.mark.parametrize(
    ("sleeps", "program", "launched", "done"),
    [
        (True, "app.py", "", []),
        (False, "app.py", "", ["started"]),
        # A process that becomes the application, or that the launcher made, is the launcher's.
        (True, "/bin/opentelemetry-instrument", "", ["started"]),
        (True, "app.py", "1", ["started"]),
    ],
)
def test_a_process_that_sleeps_does_not_need_the_launcher(attach, monkeypatch, sleeps, program, launched, done):
    monkeypatch.setattr(start, "_sleep", lambda: sleeps)
    monkeypatch.setattr(sys, "orig_argv", ["python", program, "python", "app.py"])
    if launched:
        monkeypatch.setenv("_DISTROKIT_LAUNCHED", launched)

    assert attach()[1] == done


def test_it_answers_the_doctor(attach, monkeypatch):
    monkeypatch.setenv("_DISTROKIT_ASKED", "request")

    assert attach()[1] == ["request"]


def test_other_launchers_run_only_where_the_folder_is_disabled(attach):
    launcher = f"/srv/{UPSTREAMS}"
    started, _ = attach(launcher, api="1.44.0", sdk="1.44.0")
    (path,) = started.imported
    assert (launcher in path, launcher in sys.path) == (False, True)

    started, done = attach(launcher, api="1.30.0", sdk="1.30.0")
    assert [path[0] == launcher for path in started.imported] == [False, True]
    assert sys.path[0] != launcher
    assert len(started.said) == len(started.answered) == 1
    assert started.answered == [
        (
            "the application has opentelemetry-sdk 1.30.0; this folder works with opentelemetry-sdk>=1.43,<2",
            "Install opentelemetry-sdk>=1.43,<2, or set DISTROKIT_ATTACH=0.",
        )
    ]
    assert done == ["started"]


def test_it_decides_again_when_the_path_has_changed(attach, tmp_path):
    started, _ = attach()
    finder = sys.meta_path[0]
    finder.decide_again()
    assert not finder.changed

    sys.path.insert(0, installed(tmp_path / "later", api="1.30.0", sdk="1.30.0"))
    finder.decide_again()

    assert finder.changed
    assert (finder.is_enabled, len(started.said)) == (False, 1)


def test_an_opentelemetry_that_is_imported_is_extended(attach, tmp_path, monkeypatch):
    attach()
    finder = sys.meta_path[0]
    module = ModuleType("opentelemetry")

    finder.extend(module)

    assert [*module.__path__] == [f"{tmp_path}/distrokit-attached/opentelemetry"]
