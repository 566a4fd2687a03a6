"""The raw scan finds what ``importlib.metadata`` finds."""

from __future__ import annotations

from importlib.metadata import EntryPoints as Listed

import pytest
from distributions import write_distribution
from hypothesis import given
from hypothesis import strategies as st

from distrokit.lazy.entry_point_files import modules_of, normalize, parse, read_installed, requirements_of
from distrokit.plugins.distributions import distributions, entry_points_of
from distrokit.plugins.entry_points import EntryPoints

NAMES = (
    st.text("abcXYZ019._- ", min_size=1, max_size=8).map(str.strip).filter(lambda name: name and name[0] not in "#;[")
)


def test_it_is_the_same_list():
    raw = {(point.group, point.name, point.value) for point in EntryPoints.of_files(read_installed())}
    theirs = [point for distribution in distributions() for point in entry_points_of(distribution, [])]

    relevant = ("opentelemetry", "_opentelemetry", "distrokit")
    assert {p for p in raw if p[0].startswith(relevant)} == {
        (point.group, point.name, point.value) for point in theirs if point.group.startswith(relevant)
    }
    assert {normalize(d.name) for d in distributions()} <= set(read_installed().names)


@given(
    st.dictionaries(NAMES, st.dictionaries(NAMES, NAMES, max_size=3), max_size=3),
    st.sampled_from(["", "\n", "# x\n", "  "]),
)
def test_it_parses_as_importlib_does(groups, between):
    text = ""
    for group, points in groups.items():
        text += f"[{group}]\n{between}" + "".join(f"{name} = {value}\n{between}" for name, value in points.items())
    expected = {}
    for point in Listed._from_text_for(text, None) if hasattr(Listed, "_from_text_for") else ():
        expected.setdefault(point.group, []).append((point.name, point.value))

    assert {group: points for group, points in parse(text).items() if points} == expected


def test_of_two_copies_the_first_one_on_the_path_counts(tmp_path):
    for folder, value in ("a", "new"), ("b", "old"):
        write_distribution(tmp_path / folder, "acme-thing", folder, {"distrokit": {"acme": value}})

    found = read_installed([str(tmp_path / "a"), str(tmp_path / "b")])

    assert found.group("distrokit") == [("acme", "new")]
    assert found.complete


@pytest.mark.parametrize("content", [b"[x]\na = \xff:b\n", b"no group = x\n", b"[distrokit]\nno value\n"])
def test_a_file_that_cannot_be_read_is_left_to_the_scan_that_reports_it(tmp_path, content):
    write_distribution(tmp_path, "broken")
    (tmp_path / "broken-1.0.dist-info/entry_points.txt").write_bytes(content)

    assert not read_installed([str(tmp_path)]).complete


def test_leftovers_and_archives(tmp_path):
    write_distribution(tmp_path, "gone", entry_points={"distrokit": {"a": "b"}})
    (tmp_path / "gone-1.0.dist-info/METADATA").unlink()
    (tmp_path / "~one-1.0.dist-info").mkdir()
    (tmp_path / "archive.zip").write_bytes(b"PK")

    found = read_installed([str(tmp_path), str(tmp_path / "nowhere")])

    assert (found.files, found.complete) == ([], True)
    assert not read_installed([str(tmp_path / "archive.zip")]).complete


def test_modules_and_requirements(tmp_path):
    info = write_distribution(tmp_path, "acme") / "acme-1.0.dist-info"
    assert (modules_of(str(info)), list(requirements_of(str(info)))) == ([], [])

    (info / "RECORD").write_text(
        "acme/__init__.py,,\nacme/sub/deep.py,,\nsingle.py,,\nshared/part.py,,\nacme-1.0.dist-info/RECORD,,\n../../bin/x,,\n"
    )
    with (info / "METADATA").open("a") as metadata:
        metadata.write(
            'Requires-Dist: Lib.One[x]>=1; extra == "instruments"\nRequires-Dist: two\n\nRequires-Dist: text\n'
        )

    assert modules_of(str(info)) == ["acme", "single"]
    assert list(requirements_of(str(info))) == [("lib-one", 'extra == "instruments"'), ("two", "")]

    (info / "top_level.txt").write_text("acme\n_acme\n")
    assert modules_of(str(info)) == ["acme"]
