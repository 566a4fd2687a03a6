"""Writes ``docs/settings.md`` from the table of settings: ``uv run python docs/render_settings.py``.

A test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from pathlib import Path

from distrokit import Setting
from distrokit.settings.known_settings import OWN, SETTINGS

PAGE = Path(__file__).with_name("settings.md")

HEAD = """# Settings

<!-- Made from the table of settings by `uv run python docs/render_settings.py`; change distrokit/settings/known_settings.py, a
plugin's distrokit_settings, or the text in docs/render_settings.py. -->

distrokit is configured by the environment variables of OpenTelemetry, by a [configuration file](configuration-file.md), or
in [code](in-code.md). It has few settings of its own.

An empty or blank variable means unset. Names of components, plugins and instrumentations, and values of a fixed set, are
matched without regard to case. If a value cannot be used, the next weaker value is used, and one line on stderr reports it.
`distrokit explain` shows the source of every value and the values that it overrides.

## Which value wins

From weak to strong:

1. a plugin's default (`distrokit_defaults`); of two plugins the first wins, in the distro's order or else by name; defaults of
   the default plugins are weakest
2. the default of the active [distro](build-a-distro.md)
3. `[tool.distrokit]` in `pyproject.toml`, for distrokit's own settings
4. the configuration file
5. the environment; with a configuration file, only the variables that the file does not replace
6. code: `distrokit.start(settings=…)`
7. a plugin's override (`distrokit_overrides`)

A signal's own variable overrides the general variable of the same source. A plugin's default for traces does not override the
user's value for all signals. A value that a configuration file has for one component overrides the variables that this
component reads.

## distrokit's own

The nearest `pyproject.toml` from the working directory upwards that has the table `[tool.distrokit]` may hold these by their
short names (`strict = true`, `disabled_plugins = ["acme"]`), as may a configuration file under `distribution: distrokit:`.
The option of `opentelemetry-instrument` sets `OTEL_PYTHON_DISTROKIT_…`, another name of the same setting, which overrides
it. On Python 3.10 the table needs the package `tomli`.

"""

MIDDLE = """
## More than one destination

`OTEL_TRACES_EXPORTER=otlp,console` sends to both. For two destinations of one kind give the second one its own name:

```sh
OTEL_TRACES_EXPORTER=otlp,otlp/backup
OTEL_EXPORTER_OTLP_ENDPOINT=https://collector:4317
OTEL_EXPORTER_OTLP_HEADERS=api-key=…
OTEL_EXPORTER_OTLP_ENDPOINT__BACKUP=https://backup:4317
OTEL_BSP_SCHEDULE_DELAY__BACKUP=30000
```

`otlp/backup` reads every variable with the suffix `__BACKUP`, and only those: a destination never gets another one's
credentials, nor upstream's credential providers. This applies to the exporters of every plugin.

## Secrets

A secret can be read from a file instead of a variable: `OTEL_EXPORTER_OTLP_HEADERS_FILE=/run/secrets/otlp` names a file with one
`name=value` per line; for a second destination use `OTEL_EXPORTER_OTLP_HEADERS_FILE__BACKUP`. The file is read again when it
changes, so tokens can be renewed. Every secret that a plugin reads has a `…_FILE` variable, too. A plugin whose credentials
expire sets `options.refresh_headers` in `distrokit_exporter_options`.

Values of variables whose name contains `HEADERS`, `TOKEN`, `SECRET`, `PASSW`, `API_KEY`, `ACCESS_KEY`, `CREDENTIAL` or
`AUTHORIZATION`, and properties of that name in a configuration file, are masked wherever distrokit prints something, if they have at
least six characters; so are user names, passwords and queries in URLs. For an instrumentation's keyword its name and every key
inside its value count, whatever the source.

## Instrumentations

For the choice of instrumentations, their order and their keywords, hooks included, see [instrumentations.md](instrumentations.md).
The names of these settings consist of the names of the instrumentation and the keyword.

## Log records

`opentelemetry-instrumentation-logging`, when it is installed, turns the records of Python's `logging` into telemetry, once.
Without it the logs signal has only records that are emitted through OpenTelemetry's own logs API. Upstream's older switch
`OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED` turns it on (`true`) or off (`false`); there is never a second handler.
It gets the records that a handler on the root logger would get, and the records of celery's tasks. Changes of the root
logger's handlers by your program have no effect on it. Records of OpenTelemetry's SDK and exporters never become telemetry, so a
failing export does not feed itself.

## Misspelt names

An unknown `DISTROKIT_` variable is reported, and so is an `OTEL_` variable whose name is similar to one in the tables
below. Plugins add their settings with `distrokit_settings`. If a plugin declares a name such as `ACME_TENANT`, a similar
variable with the same first word is reported, too.

## All settings

The last column is about a configuration file: *ignored* means that the file replaces the variable.

"""


def render() -> str:
    """Return the whole page."""
    rows = [
        f"| `{s.name}` | `--{s.name.lower()}` | {_default(s)} | {s.kind} | {s.meaning}{f' ({s.unit})' if s.unit else ''} |\n"
        for s in OWN
    ]
    own = "| variable | option of `opentelemetry-instrument` | default | value | meaning |\n|---|---|---|---|---|\n"
    return HEAD + own + "".join(rows) + MIDDLE + "".join(_tables([*SETTINGS, *of_plugins()]))


def of_plugins() -> list[Setting]:
    """Return the settings of distrokit's own plugins."""
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
