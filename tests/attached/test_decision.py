"""What a folder does in a process, by what the application has."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest
from attaching_parts import API, BASE, CONTENTS, FLASK, PLAIN, SDK, Started, installed

from distrokit.attached import program as programs
from distrokit.attached.decision import decide, find_opentelemetry, this_interpreter
from distrokit.attached.finder import AttachedFinder
from distrokit.lazy.entry_point_files import read_installed


@pytest.mark.parametrize(
    ("versions", "mode", "reason"),
    [
        ({}, "folder first", "the application has no OpenTelemetry, the folder's is used"),
        ({"api": "1.20.0"}, "folder first", "the application's opentelemetry-api 1.20.0 is replaced by 1.45.1"),
        ({"api": "1.20.0", "base": "0.41b0"}, "folder first", "the application's opentelemetry-api 1.20.0 is replaced"),
        ({"api": "1.45.2"}, "application first", "the application's opentelemetry-api 1.45.2 is used"),
        ({"api": "1.45.1"}, "folder first", "is replaced by 1.45.1"),
        ({"api": "1.46.0"}, "disabled", "opentelemetry-api 1.46.0, which is later than the folder's 1.45.1"),
        ({"api": "2.0.0"}, "disabled", "opentelemetry-api 2.0.0, which is later than the folder's 1.45.1"),
        ({"api": "1.43.0", "sdk": "1.43.0"}, "application first", "the application's opentelemetry-sdk 1.43.0 is used"),
        ({"api": "1.44.1", "sdk": "1.44.1", "base": "0.65b1"}, "application first", "opentelemetry-sdk 1.44.1 is used"),
        ({"api": "1.42.0", "sdk": "1.42.0"}, "disabled", "works with opentelemetry-sdk>=1.43,<2"),
        ({"api": "1.45.0", "sdk": "1.45.0", "base": "0.50b0"}, "disabled", "opentelemetry-instrumentation 0.50b0"),
        (
            {"api": "1.45.0", "sdk": ""},
            "disabled",
            "the application has opentelemetry-sdk of an unknown version; this folder works with",
        ),
    ],
)
def test_the_versions_decide(tmp_path, versions, mode, reason):
    found = decide(CONTENTS, [installed(tmp_path, **versions)])

    assert found.mode == mode
    assert reason in found.reason
    # A folder that does nothing says how to change that.
    assert ("set DISTROKIT_ATTACH=0." in found.remedy) is (mode == "disabled")


@pytest.mark.parametrize(
    ("versions", "visible"),
    [
        ({"api": "1.45.1", "sdk": "1.45.1"}, {BASE, FLASK, PLAIN, "distrokit"}),
        ({"api": "1.43.0", "sdk": "1.43.0"}, {BASE, FLASK, PLAIN, "distrokit"}),
        # Instrumentations need their own release of the base.
        ({"api": "1.43.0", "sdk": "1.43.0", "base": "0.64b0"}, {PLAIN, "distrokit"}),
        # The folder's SDK runs on a later API of its minor release.
        ({"api": "1.45.2"}, {SDK, BASE, FLASK, PLAIN, "distrokit"}),
    ],
)
def test_packages_of_the_folder_join_if_they_fit(tmp_path, versions, visible):
    assert decide(CONTENTS, [installed(tmp_path, **versions)]).visible == visible


def test_an_api_that_is_imported_already_stays(tmp_path):
    loaded = ["sys", "opentelemetry.trace"]

    same = decide(CONTENTS, [installed(tmp_path / "a", api="1.45.0")], loaded)
    older = decide(CONTENTS, [installed(tmp_path / "b", api="1.44.0")], loaded)

    assert (same.mode, older.mode) == ("application first", "disabled")
    assert older.reason == "opentelemetry-api 1.44.0 is already imported when Python starts, and the folder has 1.45.1"


def test_native_code_serves_one_interpreter():
    assert decide({**CONTENTS, "interpreters": [this_interpreter()]}, []).mode == "folder first"
    other = decide({**CONTENTS, "interpreters": ["3.9 plan9"]}, [])
    assert (other.mode, other.reason) == (
        "disabled",
        f"it has native code for 3.9 plan9, and this is {this_interpreter()}",
    )


def test_other_implementations_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys.implementation, "name", "pypy")

    assert decide(CONTENTS, []).reason == "pypy is not supported"


def test_versions_are_found_wherever_packages_are(tmp_path):
    first, second = installed(tmp_path / "a", sdk="1.30.0"), installed(tmp_path / "b", sdk="1.40.0", api="1.40.0")
    assert find_opentelemetry(["/absent", first, second]) == {SDK: "1.30.0", API: "1.40.0"}

    module_file = Path(tmp_path, "c/opentelemetry/sdk/version.py")
    module_file.parent.mkdir(parents=True)
    module_file.write_text("__version__ = '1.2.3'\n")
    assert find_opentelemetry([str(tmp_path / "c")]) == {SDK: "1.2.3"}

    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("opentelemetry/version/__init__.py", '__version__ = "1.9.0"')
    (tmp_path / "text").write_text("no archive")
    assert find_opentelemetry([str(tmp_path / "text"), str(tmp_path / "app.pyz")]) == {API: "1.9.0"}


def test_packages_without_sources_count(tmp_path):
    folder = tmp_path / "opentelemetry/sdk"
    folder.mkdir(parents=True)
    (folder / "__init__.pyc").write_bytes(b"")
    assert find_opentelemetry([str(tmp_path)]) == {SDK: ""}

    (tmp_path / "opentelemetry_sdk-1.44.0.dist-info").mkdir()
    assert find_opentelemetry([str(tmp_path)]) == {SDK: "1.44.0"}


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["app.py", "-c"], "app.py"),
        (["-u", "app.py"], "app.py"),
        (["-W", "error", "-X", "dev", "app.py"], "app.py"),
        (["-Werror", "app.py"], "app.py"),
        (["-c", "pass"], ""),
        (["-um", "app"], ""),
        (["-"], ""),
        ([], ""),
    ],
)
def test_the_program_is_found(monkeypatch, words, program):
    monkeypatch.setattr(sys, "orig_argv", ["python", *words])

    assert programs.find_program() == program


def test_the_path_of_the_application_begins_with_what_python_adds(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "orig_argv", ["python", str(tmp_path / "app.py")])
    assert programs.application_path() == [str(tmp_path), *sys.path]

    monkeypatch.setattr(sys, "orig_argv", ["python", "-c", "pass"])
    assert programs.application_path() == ["", *sys.path]
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", "")
    monkeypatch.setattr(sys, "orig_argv", ["python", str(tmp_path / "app.pyz")])
    assert programs.application_path()[0] == str(tmp_path / "app.pyz")
    assert not programs.is_archive(str(tmp_path / "absent"))
    assert programs.is_archive(str(tmp_path))


@pytest.fixture
def finder(tmp_path, monkeypatch):
    """Return a function that makes a folder and a finder for it, for an application with some packages."""

    def make(mode="", **versions):
        folder, application = tmp_path / "packages", tmp_path / "application"
        for path in ("opentelemetry/ours.py", "opentelemetry/both.py", "acme_otel.py", "distrokit/x.py"):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("owner = 'folder'\n")
        for name in ("1.45.1", "0.66b1", "1.0", "0.1.0"):
            (folder / f"{name}.dist-info").mkdir(exist_ok=True)
            (folder / f"{name}.dist-info/METADATA").write_text(f"Name: of-folder\nVersion: {name}\n")
        for path in ("opentelemetry/theirs.py", "opentelemetry/both.py"):
            (application / path).parent.mkdir(parents=True, exist_ok=True)
            (application / path).write_text("owner = 'application'\n")
        installed(application, **versions)
        monkeypatch.setattr(sys, "path", [str(application)])
        decided = decide(CONTENTS, sys.path)
        return AttachedFinder(str(tmp_path), str(folder), CONTENTS, lambda finder: decided)

    return make


@pytest.mark.parametrize(("versions", "first"), [({"api": "1.20.0"}, 0), ({"api": "1.44.0", "sdk": "1.44.0"}, 1)])
def test_both_parts_of_the_namespace_are_on_its_path(finder, tmp_path, versions, first):
    found = finder(**versions)
    path = found.find_spec("opentelemetry").submodule_search_locations
    parts = [str(tmp_path / "packages/opentelemetry"), str(tmp_path / "application/opentelemetry")]

    assert [*path] == (parts if first == 0 else parts[::-1])
    assert (len(path), path[first], parts[0] in path) == (2, parts[0], True)
    # Libraries add to a package's path.
    path.append("/one")
    path[len(path) :] = ["/two"]
    assert [*path][-2:] == ["/one", "/two"] if first == 0 else {"/one", "/two"} < {*path}
    assert "NamespacePath" in repr(path)
    more = tmp_path / "later"
    (more / "opentelemetry").mkdir(parents=True)
    sys.path.append(str(more))
    assert str(more / "opentelemetry") in path


def test_a_package_that_is_no_namespace_is_extended(finder, tmp_path):
    found = finder(api="1.20.0")
    (tmp_path / "application/opentelemetry/__init__.py").write_text("")

    spec = found.find_spec("opentelemetry")

    assert spec.loader is not None
    assert [Path(place).parent.name for place in spec.submodule_search_locations] == ["packages", "application"]


def test_other_packages_of_an_application_come_first(finder, tmp_path):
    found = finder()
    assert found.find_spec("acme_otel").origin == str(tmp_path / "packages/acme_otel.py")
    assert found.find_spec("flask") is None
    assert found.find_spec("opentelemetry.trace") is None

    (tmp_path / "application/acme_otel.py").write_text("")
    (tmp_path / "application/distrokit").mkdir()
    assert found.find_spec("acme_otel").origin == str(tmp_path / "application/acme_otel.py")
    assert [*found.find_spec("distrokit").submodule_search_locations] == [str(tmp_path / "packages/distrokit")]


def test_a_disabled_folder_finds_nothing(finder):
    found = finder(api="1.30.0", sdk="1.30.0")

    assert (found.is_enabled, found.find_spec("opentelemetry")) == (False, None)
    assert [*found.find_distributions()] == []


def test_its_metadata_is_found_by_name_and_only_on_the_whole_path(finder, monkeypatch):
    from importlib.metadata import DistributionFinder, version

    found = finder(api="1.45.1", sdk="1.45.1")
    context = DistributionFinder.Context

    assert len([*found.find_distributions()]) == len(found.decision.visible) == 4
    assert [d.version for d in found.find_distributions(context(name="Distrokit"))] == ["0.1.0"]
    assert [*found.find_distributions(context(name=API))] == []
    assert [*found.find_distributions(context(path=["/other"]))] == []
    assert all(found.owns(d) for d in found.find_distributions())
    monkeypatch.setattr(sys, "meta_path", [found, *sys.meta_path])
    assert version("opentelemetry_propagator_x") == "1.0"
    found.invalidate_caches()


def test_entry_points_are_those_of_the_application_and_of_the_packages_that_join(finder, monkeypatch):
    for versions, joined in (({}, True), ({"api": "1.44.0", "sdk": "1.44.0", "base": "0.65b0"}, False)):
        found = finder(**versions)
        monkeypatch.setattr(sys, "meta_path", [found, *sys.meta_path])
        assert (FLASK in read_installed().names) is joined
        assert read_installed([]).names == {}
        monkeypatch.undo()


def test_a_folder_without_contents_costs_telemetry_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr("distrokit.attached.start._installed_launcher", lambda: "")
    started = Started(tmp_path)

    started.attachment.start()

    assert len(started.imported) == 1
    (line,) = started.said
    assert line.startswith(f"{tmp_path}: ModuleNotFoundError: ")
    assert line.endswith("; the application runs without distrokit. Build the folder again.")


def test_an_installed_distrokit_is_handed_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("OTEL_LOG_LEVEL", "debug")
    started = Started(tmp_path)

    started.attachment.start()

    (path,) = started.imported
    assert path[0].endswith("distrokit/launch/site")
    assert started.said[0].startswith(f"{tmp_path}: the application has distrokit installed, which starts instead: ")
    monkeypatch.setenv("_DISTROKIT_ASKED", "x")
    started.attachment.start()
    assert started.imported[1][0].endswith("distrokit/cli/guard")
