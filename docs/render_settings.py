"""Writes ``docs/settings.md`` from the table of settings: ``uv run python docs/render_settings.py``.

A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path

from distrokit import Setting
from distrokit.settings.registry import OWN, SETTINGS

PAGE = Path(__file__).with_name("settings.md")

HEAD = """# Settings

<!-- Made from the table of settings by `uv run python docs/render_settings.py`; change distrokit/settings/registry.py, a
plugin's distrokit_settings, or the text in docs/render_settings.py. -->

distrokit is configured by the environment variables of OpenTelemetry, by a [configuration file](configuration-file.md), or
in [code](in-code.md). It has few settings of its own.

An empty or blank variable means unset. Names of components, plugins and instrumentations, and values of a fixed set, are
matched without regard to case. A value that cannot be used is replaced by the next weaker one that can, and one line on
stderr says so. `distrokit explain` shows the source of every value and what it overridden.

## Which value wins

From weak to strong:

1. a plugin's default (`distrokit_defaults`); of two plugins the first wins, in the distro's order or else by name, and the
   default plugins give way to all others
2. the default of the [distro](build-a-distro.md) in charge
3. `[tool.distrokit]` in `pyproject.toml`, for distrokit's own settings
4. the configuration file
5. the environment; with a file, only the variables that it does not take the place of
6. code: `distrokit.start(settings=…)`
7. what a plugin insists on (`distrokit_overrides`)

A signal's own variable is stronger than the general one of the same source: a plugin's default for traces alone does not beat
the user's word for all signals. What a configuration file says of one component is stronger than a variable that component
reads.

## distrokit's own

The nearest `pyproject.toml` from the working directory upwards that has the table `[tool.distrokit]` may hold these by their
short names (`strict = true`, `disabled_plugins = ["acme"]`), as may a configuration file under `distribution: distrokit:`.
The option of `opentelemetry-instrument` sets `OTEL_PYTHON_DISTROKIT_…`, another spelling of the same setting, which is
stronger. On Python 3.10 the table needs the package `tomli`.

"""

MIDDLE = """
## More than one destination

`OTEL_TRACES_EXPORTER=otlp,console` sends to both. For two destinations of one kind give the second a name of your own:

```sh
OTEL_TRACES_EXPORTER=otlp,otlp/backup
OTEL_EXPORTER_OTLP_ENDPOINT=https://collector:4317
OTEL_EXPORTER_OTLP_HEADERS=api-key=…
OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP=https://backup:4317
OTEL_BSP_SCHEDULE_DELAY__BACKUP=30000
```

`otlp/backup` reads every variable with the ending `__BACKUP`, and only those: a destination never gets another one's
credentials, nor upstream's credential providers. That goes for the exporters of every plugin.

## Secrets

A variable that holds a secret can stand in a file instead: `OTEL_EXPORTER_OTLP_HEADERS_FILE=/run/secrets/otlp` with one
`name=value` per line; of a second destination it is `OTEL_EXPORTER_OTLP_HEADERS_FILE__BACKUP`. It is read again when it
changes, so a token may be renewed; `http/json` alone keeps the first ones. Every secret that a plugin reads has its `…_FILE`, too. A plugin whose credentials expire gives `options.refresh_headers` in `distrokit_exporter_options`.

Values of variables whose name contains `HEADERS`, `TOKEN`, `SECRET`, `PASSW`, `API_KEY`, `ACCESS_KEY`, `CREDENTIAL` or
`AUTHORIZATION`, and properties of that name in a configuration file, are masked wherever distrokit prints something, from six
characters on, as are user names, passwords and queries in URLs. Of an instrumentation's keyword those are its name and every
key inside it, whoever gave it: environment, file or plugin.

## Instrumentations

Which are applied, in which order, and with which keywords, hooks included: [instrumentations.md](instrumentations.md). The names of
those settings are made of the instrumentation's name and the keyword's.

## Log records

`opentelemetry-instrumentation-logging`, when it is installed, turns the records of Python's `logging` into telemetry, once.
Without it the logs signal has only what is emitted through OpenTelemetry's own logs API. Upstream's older switch
`OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED` asks for it (`true`) or against it (`false`); there never is a second handler.
It gets what a handler on the root logger would get, and the records of celery's tasks; what your program does with the root's
handlers changes nothing about that. What OpenTelemetry's SDK and exporters log never becomes telemetry, so a failing export does
not feed itself.

## Misspelt names

A `DISTROKIT_` variable that nobody reads is reported, and so is an `OTEL_` variable whose name is close to one in the tables
below. Plugins add theirs with `distrokit_settings`; of those with names of their own, such as `ACME_TENANT`, a variable that
begins with the same word and is close to one is reported, too.

## All settings

The last column says what a configuration file does to the variable: *ignored* means that the file takes its place.

"""


def render() -> str:
    """The whole page."""
    rows = [
        f"| `{s.name}` | `--{s.name.lower()}` | {_default(s)} | {s.kind} | {s.meaning}{f' ({s.unit})' if s.unit else ''} |\n"
        for s in OWN
    ]
    own = "| variable | option of `opentelemetry-instrument` | default | value | meaning |\n|---|---|---|---|---|\n"
    return HEAD + own + "".join(rows) + MIDDLE + "".join(_tables([*SETTINGS, *of_plugins()]))


def of_plugins() -> list[Setting]:
    """What distrokit's own plugins read; those of others are theirs to document."""
    settings: list[Setting] = []
    for point in sorted(entry_points(group="distrokit"), key=lambda point: point.name):
        module = point.load()
        if module.__name__.startswith("distrokit_") and hasattr(module, "distrokit_settings"):
            settings += module.distrokit_settings()
    return settings


def _tables(settings: Iterable[Setting]) -> Iterable[str]:
    rows = [setting for setting in settings if setting not in OWN]
    for consumer in dict.fromkeys(setting.consumer for setting in rows):
        yield f"### Read by {consumer}\n\n"
        yield "| variable | default | value | meaning | with a file |\n|---|---|---|---|---|\n"
        for setting in rows:
            if setting.consumer == consumer:
                name = f"[`{setting.name}`]({setting.spec})" if setting.spec else f"`{setting.name}`"
                meaning = f"{setting.meaning}{f' ({setting.unit})' if setting.unit else ''}"
                with_file = "ignored" if setting.ignored_with_file else "counts"
                yield f"| {name} | {_default(setting)} | {setting.kind} | {meaning} | {with_file} |\n"
        yield "\n"


def _default(setting: Setting) -> str:
    return f"`{setting.default}`" if setting.default else "required" if setting.required else "none"


if __name__ == "__main__":
    PAGE.write_text(render().rstrip() + "\n", encoding="utf-8")
    print(f"wrote {PAGE}")
