"""Decides whether a process must start telemetry at once, from the environment and the installed entry points."""

from __future__ import annotations

import os

from distrokit.attached.program import is_archive
from distrokit.lazy.spellings import FALSE, LAUNCHER_PREFIX, TRUE
from distrokit.lazy.triggers import AT_START, AUTHORS, INSTRUMENTORS, declared_triggers, find_triggers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from distrokit.lazy.entry_point_files import InstalledFiles

LAZY, STRICT = "DISTROKIT_LAZY", "DISTROKIT_STRICT"
#: The beginning of the settings of a single instrumentation.
_OF_ONE = "DISTROKIT_" + "INSTRUMENTATION_"

#: Entry-point group for parts that must run from the start of the process, such as profilers; the names are shown.
EAGER = "distrokit.eager"

#: distrokit's own functions, which OpenTelemetry's loader calls.
_OURS = "distrokit.launch.distro:"

#: Words in a file with settings that make a process start at once: these settings may be in it.
_WORDS = (b"lazy", b"strict", b"doctor", b"prometheus", b"set_logging_format", b"replaced_by", b"plugin_files")

#: The plugins that leave the plan's instrumentations alone.
_OWN_PLUGINS = frozenset(
    ("batch", "build", "components", "dev", "guard", "otlp", "policy", "resource", "spool", "yaml")
)


def find_eager_reasons(
    environ: Mapping[str, str], installed: InstalledFiles, directory: str, program: str = ""
) -> Iterator[str]:
    """Yield why the process must start telemetry at once; nothing if it may wait until it is used.

    Args:
        program: the path of the script that Python runs; empty if there is none, or if it is unknown.
        directory: the working directory; empty if there is none.
    """
    if _setting(environ, LAZY) not in ("", *TRUE):
        yield LAZY
    for name in (STRICT, "DISTROKIT_DOCTOR", "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"):
        if _setting(environ, name) not in ("", *FALSE):
            yield name
    if environ.get("_DISTROKIT_ASKED"):
        yield "distrokit doctor"
    if "prometheus" in _setting(environ, "OTEL_METRICS_EXPORTER"):
        yield "OTEL_METRICS_EXPORTER=prometheus, which waits for requests"
    yield from _reasons_of_files(environ, directory)
    if is_archive(program):
        yield f"{program}, an archive that may start another Python"
    if not installed.complete:
        yield "a package whose entry points cannot be read"
    yield from _reasons_of_other_packages(environ, installed)
    yield from _reasons_of_instrumentations(environ, installed)


def _setting(environ: Mapping[str, str], name: str) -> str:
    """Return a setting in lower case; the spelling of an option of ``opentelemetry-instrument`` overrides the other."""
    return (environ.get(LAUNCHER_PREFIX + name, "").strip() or environ.get(name, "").strip()).lower()


def _reasons_of_files(environ: Mapping[str, str], directory: str) -> Iterator[str]:
    for name in ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"):
        path = environ.get(name, "").strip()
        if path:
            data = _read(path)
            if data is None or any(word in data.lower() for word in _WORDS):
                yield name
    folder = directory
    while folder:
        settings = _settings_in_project(_read(f"{folder}/pyproject.toml") or b"")
        if settings:
            if any(word in line.lower() for line in settings for word in _WORDS):
                yield "pyproject.toml"
            return
        parent = folder.rpartition("/")[0]
        folder = parent if parent != folder else ""


def _settings_in_project(data: bytes) -> list[bytes]:
    """Return the lines of ``[tool.distrokit]``, in whatever form TOML allows; it is parsed when telemetry starts."""
    if b"distrokit" not in data:
        return []
    found: list[bytes] = []
    table = b""
    for line in map(bytes.strip, data.splitlines()):
        if line.startswith(b"["):
            table = line
        if table.startswith(b"[tool.distrokit") or line.startswith((b"tool.distrokit", b"distrokit", b'"distrokit"')):
            found.append(line)
    return found


def _read(path: str, size: int = 1_000_000) -> bytes | None:
    """Read a regular file; ``None`` for anything else: what is read from a pipe is gone for the program."""
    try:
        if not os.path.isfile(path):  # noqa: PTH113  (pathlib is not imported yet)
            return None
        with open(path, "rb") as file:  # noqa: PTH123  (likewise)
            return file.read(size)
    except (OSError, ValueError):
        return None


def _reasons_of_other_packages(environ: Mapping[str, str], installed: InstalledFiles) -> Iterator[str]:
    ours = {"", "distrokit", *(name for name, _ in installed.group("distrokit.distro"))}
    for name in ("OTEL_PYTHON_DISTRO", "OTEL_PYTHON_CONFIGURATOR"):
        if environ.get(name, "").strip() not in ours:
            yield name
    for name, _ in installed.group(EAGER):
        yield name
    for group in ("opentelemetry_pre_instrument", "opentelemetry_post_instrument", "_opentelemetry_opamp"):
        for name, value in installed.group(group):
            if not value.startswith(_OURS):
                yield f"{name}, which OpenTelemetry's loader calls"


def _reasons_of_instrumentations(environ: Mapping[str, str], installed: InstalledFiles) -> Iterator[str]:
    if environ.get("OTEL_PYTHON_LOG_CORRELATION", "").strip().lower() not in ("", *FALSE):
        yield "OTEL_PYTHON_LOG_CORRELATION"
    yield from (name for name in environ if name.startswith(f"{_OF_ONE}LOGGING_SET_"))
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    for item in find_watched(environ, installed):
        if item.name in AT_START:
            yield f"instrumentation {item.name}: {AT_START[item.name]}"
        elif item.triggers is None:
            yield f"instrumentation {item.name}, whose package names no library"
        elif item.name == "aws-lambda" and "AWS_LAMBDA_FUNCTION_NAME" in environ:
            yield f"instrumentation {item.name}"


class WatchedInstrumentation:
    """An installed instrumentation that a sleeping process waits for.

    Attributes:
        name: the name of its entry point.
        module: its own module, whose import starts telemetry, too: the application may apply it by itself.
        triggers: see :func:`~distrokit.lazy.triggers.find_triggers`.
    """

    def __init__(self, name: str, module: str, triggers: tuple[str, ...] | None) -> None:
        self.name, self.module, self.triggers = name, module, triggers


def has_foreign_plugins(environ: Mapping[str, str], installed: InstalledFiles) -> bool:
    """Tell whether there are plugins of others, which may change the plan in any way."""
    plugins = {name for name, _ in installed.group("distrokit")}
    return bool(plugins - _OWN_PLUGINS or _setting(environ, "DISTROKIT_PLUGIN_FILES"))


def find_watched(environ: Mapping[str, str], installed: InstalledFiles) -> list[WatchedInstrumentation]:
    """Return the installed instrumentations without those that the environment turns off.

    A file may turn off more; their triggers start telemetry and apply nothing. With plugins of others it returns all,
    since a plugin may turn them on.
    """
    if has_foreign_plugins(environ, installed):
        environ = {}
    denied = _names(environ, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS")
    allowed = _names(environ, "DISTROKIT_ENABLED_INSTRUMENTATIONS")
    declared = declared_triggers(installed.group(AUTHORS))
    found = []
    for file in installed.files:
        for name, value in file.groups.get(INSTRUMENTORS, ()):
            variable = _OF_ONE + name.upper().replace("-", "_").replace(".", "_")
            own = _setting(environ, variable)
            listed = not allowed or name.lower() in allowed or "*" in allowed or bool(own)
            if listed and own not in FALSE and not {name.lower(), "*"} & denied:
                triggers = find_triggers(name, value, file.folder, installed.names, declared)
                found.append(WatchedInstrumentation(name, value.partition(":")[0].strip(), triggers))
    return found


def _names(environ: Mapping[str, str], setting: str) -> set[str]:
    return {name.strip() for name in _setting(environ, setting).split(",") if name.strip()}
