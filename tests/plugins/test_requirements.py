"""What packages declare to need is read as ``packaging`` reads it."""

from __future__ import annotations

import packaging.markers
import packaging.requirements
import packaging.specifiers
import packaging.version
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distrokit.plugins.requirements import InvalidRequirement, Marker, Requirement, Specifiers, Version

NUMBERS = st.integers(0, 3).map(str)
VERSIONS = st.builds(
    "{}{}{}{}{}{}".format,
    st.sampled_from(["", "", "", "1!"]),
    st.lists(NUMBERS, min_size=1, max_size=3).map(".".join),
    st.sampled_from(["", "", "", "a1", "b0", "rc2", ".alpha.1", "-c1"]),
    st.sampled_from(["", "", "", ".post0", ".post1", "-2", "rev3"]),
    st.sampled_from(["", "", "", ".dev0", "dev2"]),
    st.sampled_from(["", "", "", "+local.1", "+2"]),
)
SPECIFIERS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~=", "==="]),
    VERSIONS,
    st.sampled_from(["", "", ".*"]),
)


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered(one, other):
    ours, theirs = (Version(one), Version(other)), (packaging.version.Version(one), packaging.version.Version(other))

    assert (ours[0] < ours[1], ours[0] == ours[1]) == (theirs[0] < theirs[1], theirs[0] == theirs[1])


@given(st.lists(SPECIFIERS, max_size=2).map(",".join), VERSIONS)
def test_specifiers_hold(text, version):
    try:
        theirs = packaging.specifiers.SpecifierSet(text).contains(version, prereleases=True)
    except packaging.specifiers.InvalidSpecifier:
        with pytest.raises(InvalidRequirement):
            Specifiers(text)
        return
    assert Specifiers(text).contains(version) == theirs


NEAR = [
    "0",
    "0.0",
    "0.dev0",
    "0.dev1",
    "0a1",
    "0a1.dev1",
    "0a2",
    "0a1.post0",
    "0a1.post0.dev0",
    "0.post0",
    "0.post0.dev1",
    "0.post1",
    "0+1",
    "0a1+1",
    "0.post0+1",
    "0.1",
    "1",
    "1.0.1",
    "1!0",
    "0a1.post1",
    "1.43.0",
    "1.43.1rc1",
    "0.66b0",
    "0.66b1",
]


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">=", "~=", "==="])
def test_specifiers_hold_around_their_own_version(sign):
    for wanted in NEAR:
        try:
            theirs = packaging.specifiers.SpecifierSet(sign + wanted)
        except packaging.specifiers.InvalidSpecifier:
            continue
        ours = Specifiers(sign + wanted)
        assert [v for v in NEAR if ours.contains(v)] == [v for v in NEAR if theirs.contains(v, prereleases=True)], (
            wanted
        )


@pytest.mark.parametrize("text", ["1.x", ">1,,<", "=1", "made for 1.43", ">=", "~=1", "==1.*.2", ">=1.*"])
def test_what_is_no_specifier_is_refused(text):
    with pytest.raises(InvalidRequirement):
        Specifiers(text)


MARKERS = [
    'python_version < "3.11"',
    "python_version >= '3.10' and sys_platform == 'linux'",
    'extra == "dev"',
    'extra == "Dev_Tools" or python_full_version > "3.9.1"',
    '(os_name == "nt" or platform_system == "Linux") and "x86" in platform_machine',
    'platform_machine not in "arm64 riscv"',
    "implementation_name == 'cpython' and (python_version != '3.12' or extra == 'dev-tools')",
]


@pytest.mark.parametrize("text", MARKERS)
@pytest.mark.parametrize("extra", ["", "dev", "dev-tools"])
def test_markers_hold(text, extra):
    assert Marker(text).evaluate({"extra": extra}) == packaging.markers.Marker(text).evaluate({"extra": extra})


@pytest.mark.parametrize(
    "text", ["nothing == '1'", "python_version", "python_version > ", "(os_name == 'a'", "os_name ? 'a'"]
)
def test_what_is_no_marker_is_refused(text):
    with pytest.raises(InvalidRequirement):
        Requirement(f"a; {text}")


@pytest.mark.parametrize(
    "text",
    [
        "flask",
        "flask>=1.0",
        "opentelemetry-instrumentation==0.66b0",
        "requests[socks,security] (>=2,<3) ; python_version < '4'",
        "a.b_c @ https://example.invalid/a.whl ; extra == 'x'",
        'grpcio<2.0.0,>=1.63.2; python_version < "3.13"',
    ],
)
def test_requirements_are_read(text):
    ours, theirs = Requirement(text), packaging.requirements.Requirement(text)

    assert (ours.name, str(ours.specifier)) == (theirs.name, str(theirs.specifier))
    assert (ours.marker is None) == (theirs.marker is None)


@pytest.mark.parametrize("text", ["", "-a", "a b", "a >", "a[", "a;"])
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(packaging.requirements.InvalidRequirement):
        packaging.requirements.Requirement(text)
    with pytest.raises(InvalidRequirement):
        Requirement(text)
