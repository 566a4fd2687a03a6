"""The documentation says what the code does."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest
from commands import in_process
from interpreters import ROOT
from processes import instrumented

import distrokit as package
from distrokit.launch import environment_variables

SOURCES = [*ROOT.glob("distrokit/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *ROOT.glob("docs/*.md"),
    *ROOT.glob("docs/examples/**/*.md"),
]


def test_every_problem_is_explained_and_every_explained_problem_exists():
    code = "".join(path.read_text() for path in SOURCES)
    used = set(re.findall(r'code="([a-z-]+)"', code)) | set(re.findall(r'_problem\(\s*"([a-z-]+)"', code))
    # What was not found is named by its kind, see picking.py.
    kinds = (
        "exporter",
        "processor",
        "sampler",
        "id-generator",
        "propagator",
        "response-propagator",
        "resource-detector",
    )
    used |= {f"{kind}-unknown" for kind in kinds}
    table = [line for line in (ROOT / "docs/problems.md").read_text().splitlines() if line.startswith("| `")]

    assert {name for line in table for name in re.findall(r"`([a-z-]+)`", line.split("|")[1])} == used


def test_every_setting_of_distrokits_own_is_in_the_table_and_in_the_launchers_help():
    names = {n.removeprefix("OTEL_PYTHON_") for n in vars(environment_variables) if n.startswith("OTEL_")}
    code = "".join(path.read_text() for path in ROOT.glob("distrokit/**/*.py"))
    plugins = "".join(path.read_text() for path in ROOT.glob("plugins/*/src/**/*.py"))
    page = (ROOT / "docs/settings.md").read_text()
    table, _, of_plugins = page.partition("## More than one destination")

    assert set(re.findall(r'"(DISTROKIT_[A-Z_]+)"', code)) <= names
    assert set(re.findall(r"^\| `(DISTROKIT_[A-Z_]+)`", table, re.MULTILINE)) == names
    # A plugin's own have their row, and no option: the core's list knows no plugin.
    found = set(re.findall(r"^\| \[?`(DISTROKIT_[A-Z_]+)`", of_plugins, re.MULTILINE))
    assert set(re.findall(r'"(DISTROKIT_[A-Z_]+[A-Z])"', plugins)) <= names | found
    for name in names:
        assert f"`--{name.lower()}`" in table


def test_the_page_of_settings_and_the_table_are_equal():
    spec = importlib.util.spec_from_file_location("render_settings", ROOT / "docs" / "render_settings.py")
    render_settings = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(render_settings)

    assert render_settings.PAGE.read_text() == render_settings.render().rstrip() + "\n"


def test_every_check_is_explained_and_every_explained_check_exists():
    code = "".join(path.read_text() for path in SOURCES)
    used = set(re.findall(r'Check\(\s*"([a-z-]+)"', code))
    table = [line for line in (ROOT / "docs/doctor.md").read_text().splitlines() if line.startswith("| `")]

    assert {re.match(r"\| `([a-z-]+)`", line)[1] for line in table} == used - {"acme-token"}


def test_the_page_for_those_without_telemetry_has_what_the_commands_print():
    spec = importlib.util.spec_from_file_location("render_no_telemetry", ROOT / "docs" / "render_no_telemetry.py")
    render = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(render)
    page = render.PAGE.read_text()

    assert len(render.BLOCK.findall(page)) >= 9
    assert render.render(page) == page
    assert f"# app.py\n{render.APP}" in page


def test_the_schemas_in_the_pages_are_the_schemas():
    pages = {name: (ROOT / f"docs/{name}.md").read_text() for name in ("explain", "doctor")}
    plan, report = (json.loads(in_process(*words, "--json").stdout) for words in (["explain"], ["doctor", "--offline"]))
    setting = json.loads(in_process("explain", "OTEL_TRACES_SAMPLER", "--json").stdout)

    assert f"**`explain --json`**, `schema` {plan['schema']}" in pages["explain"]
    rows = re.findall(r"^\| (`.*?`) \|", pages["explain"], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(plan) - {"schema"}
    assert all(f"`{name}`" in pages["explain"] for name in setting)
    assert f'"schema": {report["schema"]},' in pages["doctor"]
    assert list(report["checks"][0]) == ["group", "id", "verdict", "evidence", "remedy"]


def test_every_link_to_a_file_leads_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_link_that_leaves_the_project_has_the_form_of_one():
    for page in PAGES:
        text = page.read_text()
        named = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.MULTILINE))
        used = set(re.findall(r"\]\[([^\]]+)\]", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)))
        assert used <= set(named), page.name
        for link in [*named.values(), *re.findall(r"\]\(([a-z]+:[^)]*)\)", text)]:
            # What has no scheme is a file, and is looked for above or when the site is built.
            assert re.fullmatch(r"https://[\w-]+(\.[\w-]+)+(/\S*[\w/])?|(?!\w+:)\S+", link), f"{page.name}: {link}"


def test_the_house_in_the_architecture_is_the_house():
    text = (ROOT / "docs/architecture.md").read_text()
    drawn = text.partition("    distrokit/\n")[2].partition("\n    plugins/")[0]
    rooms = {line.split()[0].rstrip("/") for line in drawn.splitlines() if line.strip()}

    built = {p.name for p in (ROOT / "distrokit").iterdir() if p.name not in ("__pycache__", "py.typed", "__main__.py")}
    assert rooms == built


def test_the_public_names():
    assert package.__all__ == sorted(package.__all__, key=lambda name: (name.islower(), name))
    assert dir(package) == package.__all__
    with pytest.raises(AttributeError, match="no attribute 'Exportr'"):
        _ = package.Exportr
    for name in package.__all__:
        assert name in ("__version__", "Signal", "LossReason") or getattr(package, name).__doc__


def test_the_readmes_commands_exist():
    text = (ROOT / "README.md").read_text()
    for command in re.findall(r"^distrokit (\w+)", text, re.MULTILINE):
        assert in_process(command, "--help").returncode == 0


@pytest.mark.parametrize("setting", ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"])
def test_what_the_sdk_reads_itself_it_still_reads(setting):
    program = """
        from opentelemetry import trace
        with trace.get_tracer("t").start_as_current_span("s", attributes={"a": 1, "b": 2}) as span:
            print(len(span.attributes))
    """
    env = {setting: "1", "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}

    assert instrumented(program, env).stdout == "1\n"


def test_no_page_and_no_file_names_a_package_registrys_host():
    hosts = ["py" + "pi.org", "python" + "hosted", "npm" + "js", "deb" + "ian.org"]
    files = [
        *PAGES,
        *SOURCES,
        ROOT / "pyproject.toml",
        ROOT / ".ci/run",
        *ROOT.glob("tests/**/*.py"),
        *ROOT.glob("plugins/*/*"),
    ]
    for path in files:
        if path.is_file():
            assert not [host for host in hosts if host in path.read_text()], path
