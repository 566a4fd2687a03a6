"""``distrokit explain`` in all its forms: the drawing, the pictures, one setting, the difference."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest
from browser import BROWSER, measured
from commands import in_process
from distributions import write_plugin
from hypothesis import given
from hypothesis import strategies as st
from plans import planned

from distrokit.cli.mermaid import mermaid
from distrokit.cli.picture import Box, Lane, Picture, picture_of
from distrokit.cli.svg import svg

#: Long, with branches, secrets and problems: what a picture must cope with.
RICH = {
    "OTEL_SERVICE_NAME": 'shop <& "Söhne">',
    "OTEL_RESOURCE_ATTRIBUTES": "a=1,b=2,c=3,d=4,e=5",
    "OTEL_TRACES_EXPORTER": "otlp,console",
    "OTEL_LOGS_EXPORTER": "none",
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.25",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hush-hush-4711@collector.observability.svc.cluster.local:4317",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush-hush-4711",
    "OTEL_BSP_MAX_QUEUE_SIZE": "many",
    "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask",
}
STAGED = """
    from distrokit import Processor, hookimpl

    @hookimpl
    def distrokit_processors():
        return [Processor("redact", ("traces", "logs"), "transform", lambda context: lambda item: item)]
"""


def test_the_pipeline_is_drawn(tmp_path):
    path = [write_plugin(tmp_path, "acme", STAGED)]

    text = in_process("explain", env={**RICH, "OTEL_LOGS_EXPORTER": "otlp"}, path=path).stdout

    where = "http://****@collector.observability.svc.cluster.local:4317"
    assert text.startswith(
        "pipeline\n"
        f"  traces   resource → parentbased_traceidratio 0.25 → redact → batch → otlp grpc → {where}\n"
        "           resource → parentbased_traceidratio 0.25 → redact → batch → console\n"
        f"  metrics  resource → periodic → otlp grpc → {where}\n"
        f"  logs     resource → redact → batch → otlp grpc → {where}\n"
    )
    assert "  logs     resource → nowhere\n" in in_process("explain", env=RICH).stdout


def test_who_may_change_an_exporter_when_it_is_built_is_named(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_exporter_options(exporter, options):
            options.headers["x-token"] = "secret"
    """

    text = in_process("explain", path=[write_plugin(tmp_path, "acme", source)]).stdout

    assert text.count("headers and other options when it is built") == 3
    assert "plugin acme may change them" in text
    assert "may change" not in in_process("explain").stdout


def test_usage():
    for words in (["--mermaid", "--json"], ["--svg", "OTEL_SERVICE_NAME"], ["--svg", "--diff"]):
        assert in_process("explain", *words).returncode == 2


# ------------------------------------------------------------------------------------ pictures


def test_the_mermaid_text():
    text = in_process("explain", "--mermaid", env=RICH).stdout

    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    assert "  subgraph traces" in lines
    assert "  traces0 --> traces_1_0 --> traces_1_1" in lines
    # What could be syntax is written by number.
    assert "shop #60;#38; #34;Söhne#34;#62;" in text
    assert not re.search(r"[<>&](?!br/>)", re.sub(r"<br/>|-->|>\"", "", text))
    assert "hush" not in text
    assert any("many" in line for line in lines if line.startswith("  note"))


@pytest.mark.skipif(BROWSER is None, reason="there is no browser on this machine")
def test_the_picture_in_a_real_browser(tmp_path):
    (tmp_path / "plugin").mkdir()
    path = [write_plugin(tmp_path / "plugin", "acme", STAGED)]
    picture = in_process("explain", "--svg", env=RICH, path=path).stdout

    found = measured(
        tmp_path,
        picture,
        """
        const box = e => { const b = e.getBBox(); return [b.x, b.y, b.x + b.width, b.y + b.height] };
        const svg = document.querySelector('svg');
        return {
            size: [svg.width.baseVal.value, svg.height.baseVal.value],
            groups: [...svg.querySelectorAll('g')].map(g => ({
                rect: box(g.querySelector('rect')), texts: [...g.querySelectorAll('text')].map(box)})),
            texts: [...svg.querySelectorAll('text')].map(t => ({text: t.textContent, box: box(t),
                size: parseFloat(getComputedStyle(t).fontSize), fill: getComputedStyle(t).fill})),
            loaded: performance.getEntriesByType('resource').map(e => e.name),
        };
        """,
    )

    width, height = found["size"]
    # Each text is inside its box, no box is over another one, and all is on the picture.
    for group in found["groups"]:
        left, top, right, bottom = group["rect"]
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert group["texts"]
        for x1, y1, x2, y2 in group["texts"]:
            assert left <= x1 < x2 <= right
            assert top <= y1 < y2 <= bottom
    rects = [group["rect"] for group in found["groups"]]
    assert len(rects) == 13
    for at, (a, b, c, d) in enumerate(rects):
        for e, f, g, h in rects[at + 1 :]:
            assert c <= e or g <= a or d <= f or h <= b, "two boxes overlap"
    # Readable: dark on light, not small; and nothing was cut silently.
    for text in found["texts"]:
        assert text["size"] >= 12
        assert text["fill"] in ("rgb(27, 31, 36)", "rgb(87, 96, 106)")
        assert text["box"][2] <= width
    shown = " ".join(text["text"] for text in found["texts"])
    for word in (
        'shop <& "Söhne">',
        "parentbased_traceidratio 0.25",
        "redact",
        "console",
        "nowhere",
        "not instrumented: flask",
    ):
        assert word in shown
    assert "hush" not in picture
    # Self-contained: nothing was asked for, and nothing could be.
    assert found["loaded"] == []
    assert re.findall(r"(?:href|src|url\()[^>]*", picture) == [
        'url(#tip)" d=' + p for p in re.findall(r'url\(#tip\)" d=([^>]*)', picture)
    ]


words = st.text(max_size=200)
boxes = st.builds(
    Box,
    st.sampled_from(["sampler", "processor", "exporter", "destination"]),
    words,
    st.lists(words, max_size=3).map(tuple),
)
rows = st.lists(boxes, min_size=1, max_size=3).map(tuple)
lanes = st.builds(
    Lane,
    st.sampled_from(["traces", "metrics", "logs"]),
    st.lists(boxes, max_size=2).map(tuple),
    st.lists(rows, min_size=1, max_size=3).map(tuple),
)
pictures = st.builds(
    Picture,
    words,
    st.builds(Box, st.just("resource"), words),
    st.lists(lanes, min_size=1, max_size=3).map(tuple),
    st.lists(words, max_size=3).map(tuple),
)


@given(pictures)
def test_whatever_is_in_it_the_picture_is_a_document(picture):
    root = ET.fromstring(svg(picture))

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    width, height = float(root.get("width")), float(root.get("height"))
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y = float(rect.get("x", 0)), float(rect.get("y", 0))
        assert x + float(rect.get("width")) <= width
        assert y + float(rect.get("height")) <= height
    for line in mermaid(picture).splitlines():
        assert line.startswith(("flowchart", "  "))


def test_a_plan_that_is_disabled_says_so_in_the_picture():
    picture = picture_of(planned({"OTEL_SDK_DISABLED": "true"}))

    assert picture.lanes
    text = in_process("explain", "--mermaid", env={"OTEL_SDK_DISABLED": "true"}).stdout
    assert "DISABLED by OTEL_SDK_DISABLED" in text


# --------------------------------------------------------------------------------- one setting


def of(name, env=None, path=()):
    result = in_process("explain", name, "--json", env=env, path=path)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_one_setting(tmp_path):
    source = """
        from distrokit import hookimpl

        @hookimpl
        def distrokit_defaults():
            return {"OTEL_TRACES_SAMPLER": "always_off"}
    """
    path = [write_plugin(tmp_path, "acme", source)]

    data = of("otel_traces_sampler", {"OTEL_TRACES_SAMPLER": "always_on"}, path)

    assert (data["schema"], data["value"], data["source"]) == (1, "always_on", "OTEL_TRACES_SAMPLER (environment)")
    assert data["lost"] == [
        {"value": "always_off", "source": "default of plugin acme 1.0"},
        {"value": "parentbased_always_on", "source": "default of distrokit"},
    ]
    assert data["taken_by"] == ["sampler: always_on"]
    assert data["documentation"].startswith("https://opentelemetry.io/")
    text = in_process("explain", "OTEL_TRACES_SAMPLER", env={"OTEL_TRACES_SAMPLER": "always_on"}, path=path).stdout
    assert text.splitlines()[:5] == [
        "OTEL_TRACES_SAMPLER",
        "  value      always_on",
        "  source     OTEL_TRACES_SAMPLER (environment)",
        "  overridden always_off  (default of plugin acme 1.0)",
        "  overridden parentbased_always_on  (default of distrokit)",
    ]


@pytest.mark.parametrize(
    ("name", "env", "field", "expected"),
    [
        ("OTEL_SERVICE_NAME", {"OTEL_SERVICE_NAME": "shop"}, "taken_by", ["resource: service.name = shop"]),
        ("OTEL_METRICS_EXPORTER", {"OTEL_METRICS_EXPORTER": "none"}, "taken_by", ["metrics: nothing is exported"]),
        ("OTEL_SDK_DISABLED", {"OTEL_SDK_DISABLED": "true"}, "taken_by", ["disables all telemetry"]),
        ("OTEL_BSP_MAX_QUEUE_SIZE", {"OTEL_BSP_MAX_QUEUE_SIZE": "9"}, "value", "9"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", {}, "default", "2048"),
        ("OTEL_PYTHON_DISTROKIT_STRICT", {"DISTROKIT_STRICT": "1"}, "setting", "DISTROKIT_STRICT"),
        (
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
            {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask"},
            "taken_by",
            ["instrumentation flask: off"],
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP",
            {"OTEL_TRACES_EXPORTER": "otlp/backup", "OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP": "http://b:1"},
            "value",
            "http://b:1",
        ),
        ("OTEL_WHATEVER", {"OTEL_WHATEVER": "x"}, "about", "no installed component reads a setting of this name"),
        (
            "OTEL_PYTHON_FLASK_EXCLUDED_URLS",
            {},
            "about",
            "one of a family of variables of instrumentations, or of other languages",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", {"OTEL_EXPORTER_OTLP_HEADERS": "a=hush-hush"}, "value", "****"),
    ],
)
def test_what_is_said_of_a_setting(name, env, field, expected):
    assert of(name, env)[field] == expected


def test_the_problem_of_a_setting_stands_with_it():
    text = in_process("explain", "OTEL_BSP_MAX_QUEUE_SIZE", env={"OTEL_BSP_MAX_QUEUE_SIZE": "many"}).stdout

    assert "\n  problem    OTEL_BSP_MAX_QUEUE_SIZE=many: not usable" in text


def test_a_setting_that_a_file_takes_the_place_of(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    (tmp_path / "otel.yaml").write_text('file_format: "1.0"\n')
    env = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "OTEL_TRACES_SAMPLER": "always_on"}

    assert of("OTEL_TRACES_SAMPLER", env)["ignored"] == f"{tmp_path}/otel.yaml takes the place of the variable"


# -------------------------------------------------------------------------------- the difference


def test_nothing_differs_where_nothing_is_set():
    assert in_process("explain", "--diff").stdout == "nothing differs from the defaults\n"
    assert json.loads(in_process("explain", "--diff", "--json").stdout) == {"schema": 1, "differences": []}


def test_what_differs(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.distrokit]\ntraces-processor = 'simple'\n")
    env = {**RICH, "OTEL_TRACES_EXPORTER": "otlp"}

    result = in_process("explain", "--diff", env=env)
    rows = [re.split(r"  +", line) for line in result.stdout.splitlines()]

    assert [
        "signals.traces.export.0.parameters.endpoint",
        "http://localhost:4317 → http://****@collector.observability.svc.cluster.local:4317",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ] in rows
    assert ["sampler.name", "none → parentbased_traceidratio", "OTEL_TRACES_SAMPLER"] in rows
    assert ["signals.logs.export.0.name", "otlp → none"] in [row[:2] for row in rows]
    assert ["instrumentations.flask.enabled", "true → false", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] in rows
    assert not [row for row in rows if "none → none" in row[1]]
    assert "hush" not in result.stdout


def test_what_a_file_says_is_the_value(tmp_path):
    pytest.importorskip("distrokit_yaml", reason="the schema is a package from OpenTelemetry 1.44 on")
    exporter = "tracer_provider: {sampler: {always_on: }, processors: [{batch: {exporter: {otlp_grpc: }}}]}"
    (tmp_path / "otel.yaml").write_text(
        f'file_format: "1.0"\nresource: {{attributes: [{{name: service.name, value: x}}]}}\n{exporter}\n'
    )
    env = {"OTEL_CONFIG_FILE": str(tmp_path / "otel.yaml"), "OTEL_SERVICE_NAME": "ignored"}

    service, sampler = of("OTEL_SERVICE_NAME", env), of("OTEL_TRACES_SAMPLER", env)

    assert (service["value"], service["source"]) == ("x", f"{tmp_path}/otel.yaml:2:46")
    assert "takes the place of the variable" in service["ignored"]
    assert (sampler["value"], sampler["source"].endswith("otel.yaml:3:29")) == ("always_on", True)
    assert of("OTEL_TRACES_EXPORTER", env)["value"] == "otlp_grpc"
    assert of("OTEL_METRIC_EXPORT_INTERVAL", env)["value"] is None


def test_the_name_that_lost_is_shown():
    env = {"OTEL_SERVICE_NAME": "x", "OTEL_RESOURCE_ATTRIBUTES": "service.name=zz"}

    assert of("OTEL_SERVICE_NAME", env)["lost"][0] == {
        "value": "zz",
        "source": "OTEL_RESOURCE_ATTRIBUTES (environment)",
    }
    assert "(overrides OTEL_RESOURCE_ATTRIBUTES=zz)" in in_process("explain", env=env).stdout


def test_wide_characters_are_two_columns_wide():
    from distrokit.cli.svg import _CHARS, _wrapped

    lines = _wrapped("注文サービス" * 8)

    assert "".join(lines).replace("…", "") in "注文サービス" * 8
    assert max(map(len, lines)) <= _CHARS // 2 + 1


def test_the_project_is_a_difference_too(tmp_path):
    from processes import BIN, run

    (tmp_path / "pyproject.toml").write_text("[tool.distrokit]\ntraces-processor = 'simple'\n")

    text = run([str(BIN / "distrokit"), "explain", "--diff"], cwd=tmp_path).stdout

    assert "signals.traces.export.0.processor.name" in text
    assert "batch → simple" in text
