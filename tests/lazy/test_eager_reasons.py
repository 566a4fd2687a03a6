"""A sleeping process decides from names alone; it must not wait for less than the plan applies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import DEFAULTS, INSTALLED

from distrokit.launch.assembly import plan_for
from distrokit.lazy.eager_reasons import find_eager_reasons, find_watched
from distrokit.lazy.entry_point_files import InstalledFiles, read_installed

NAMES = ("flask", "requests", "logging", "django")
LISTS = st.lists(st.sampled_from([*NAMES, "*", "none", "Flask", "other"]), max_size=3).map(",".join)
SWITCHES = st.sampled_from(["", "on", "off", "OFF", "true", "0", "acme:Instrumentor"])
#: With and without the prefix that the launcher's options have.
ENVIRON = st.dictionaries(
    st.sampled_from(
        [
            prefix + name
            for prefix in ("", "OTEL_PYTHON_")
            for name in (
                "DISTROKIT_ENABLED_INSTRUMENTATIONS",
                *(f"DISTROKIT_INSTRUMENTATION_{name.upper()}" for name in NAMES),
            )
        ]
    ),
    st.one_of(LISTS, SWITCHES),
    max_size=4,
)


@given(ENVIRON, LISTS)
def test_it_waits_for_all_that_the_plan_applies(environ, denied):
    if denied:
        environ = {**environ, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": denied}
    plan = plan_for(environ, DEFAULTS, INSTALLED, project=False).plan

    watched = {item.name for item in find_watched(environ, read_installed())}

    enabled = {item.name for item in plan.instrumentations.values() if item.enabled and item.point}
    assert enabled <= watched


@pytest.mark.parametrize(
    ("name", "text", "at_once"),
    [
        ("DISTROKIT_LAZY", "1", False),
        ("DISTROKIT_LAZY", "off", True),
        ("DISTROKIT_LAZY", "nonsense", True),
        ("DISTROKIT_STRICT", "0", False),
        ("DISTROKIT_DOCTOR", "offline", True),
        ("OTEL_PYTHON_DISTRO", "distrokit", False),
        ("OTEL_PYTHON_DISTRO", "other", True),
        ("OTEL_CONFIG_FILE", "/nowhere.yaml", True),
        ("OTEL_METRICS_EXPORTER", "otlp", False),
        ("OTEL_METRICS_EXPORTER", "prometheus", True),
    ],
)
def test_settings(name, text, at_once):
    assert bool(list(find_eager_reasons({name: text}, InstalledFiles(), ""))) is at_once


@pytest.mark.parametrize(
    ("project", "at_once"),
    [
        ("[tool.distrokit]\nlazy = false\n", True),
        ("[tool]\ndistrokit = {strict = true}\n", True),
        ("[tool.distrokit]\ntraces_processor = 'simple'\n[tool.other]\nstrict = true\n", False),
        ("# distrokit\n[tool.other]\nlazy = 1\n", False),
    ],
)
def test_a_project_file_of_a_folder_above(tmp_path, project, at_once):
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "a" / "b").mkdir(parents=True)

    assert list(find_eager_reasons({}, InstalledFiles(), str(tmp_path / "a" / "b"))) == ["pyproject.toml"] * at_once
