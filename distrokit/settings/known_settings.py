"""The table of known settings: those of the core and the SDK. Plugins add theirs with ``distrokit_settings``.

It has three uses: the documentation page, the list of variables that a configuration file replaces, and the
check for misspelt names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from distrokit.declarations import Setting
from distrokit.diagnostics import Problem
from distrokit.lazy.spellings import LAUNCHER_PREFIX
from distrokit.settings.frozen_programs import to_install
from distrokit.settings.layers import Settings, is_secret
from distrokit.settings.settings_in_files import is_of_one_instrumentation
from distrokit.settings.suggestions import MISSPELT, SIMILAR_WORD, did_you_mean, find_closest, find_reordered, rate

_SDK = "https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/"
_GENERAL, _LIMITS = _SDK + "#general-sdk-configuration", _SDK + "#attribute-limits"
_PYTHON = "https://opentelemetry.io/docs/zero-code/python/configuration/"
_SPAN, _RECORD = _SDK + "#span-limits", _SDK + "#logrecord-limits"
_EXPORTER = _SDK + "#exporter-selection"

#: The consumer of settings that instrumentations read; see :class:`distrokit.Setting`.
INSTRUMENTATIONS = "instrumentations"

#: Prefixes of OpenTelemetry's and distrokit's names; plugins may have others.
_OURS = ("OTEL_", "DISTROKIT_")
_PREFIX = "DISTROKIT_"
_ONE_OF = "one of "
_SIDES = ("CLIENT_REQUEST", "CLIENT_RESPONSE", "SERVER_REQUEST", "SERVER_RESPONSE")
#: Families of which every library has its own, and variables of other languages in shared manifests.
_FAMILIES = re.compile(
    r"OTEL_PYTHON_\w+_EXCLUDED_URLS|OTEL_INSTRUMENTATION_\w+|OTEL_(NODE|JS|PHP|JAVA|JAVAAGENT|DOTNET|GO|RUBY|RUST)_\w+"
)


def _specified(name: str, kind: str, default: str, meaning: str, spec: str, consumer: str = "distrokit") -> Setting:
    return Setting(
        name=name,
        kind=kind,
        default=default,
        meaning=meaning,
        spec=spec,
        consumer=consumer,
        ignored_with_file=True,
    )


def _limit(name: str, default: str, meaning: str, spec: str) -> Setting:
    unit = "characters" if name.endswith("LENGTH_LIMIT") else "items"
    return Setting(
        name=name,
        kind="integer",
        default=default,
        unit=unit,
        meaning=meaning,
        spec=spec,
        consumer="opentelemetry-sdk",
        ignored_with_file=True,
    )


def _own(name: str, kind: str, default: str, meaning: str, unit: str = "") -> Setting:
    return Setting(name="DISTROKIT_" + name, kind=kind, default=default, unit=unit, meaning=meaning)


def _instrumentations(name: str, kind: str, default: str, meaning: str) -> Setting:
    return Setting(name=name, kind=kind, default=default, meaning=meaning, consumer=INSTRUMENTATIONS, spec=_PYTHON)


def _upstream(name: str, kind: str, default: str, meaning: str, consumer: str) -> Setting:
    return Setting(name=name, kind=kind, default=default, meaning=meaning, consumer=consumer, spec=_PYTHON)


#: distrokit's own; also keys of ``[tool.distrokit]`` and of the file's ``distribution: distrokit:``.
OWN = (
    _own("DISABLED_PLUGINS", "list of names", "", "plugins that are never imported; `*` for all installed ones"),
    _own(
        "PLUGIN_FILES",
        "list of paths",
        "",
        "Python files that are loaded as plugins; a plugin has the name of its file",
    ),
    _own("STRICT", "boolean", "false", "any problem ends the process with code 78 before the application starts"),
    _own(
        "DOCTOR",
        "one of true, false, offline",
        "false",
        "the report of `distrokit doctor` on stderr at the start of every instrumented process",
    ),
    _own("TRACE_HOOKS", "boolean", "false", "print each call of a hook on stderr: owner, duration, type of the result"),
    _own(
        "LAZY",
        "boolean",
        "true",
        "start telemetry when the process first uses it, and apply an instrumentation when its library is imported;"
        " `false`, and `DISTROKIT_STRICT`, do all of it at the start; see instrumentations.md",
    ),
    _own(
        "ATTACH",
        "boolean",
        "true",
        "`false` switches an attached folder off, see attach.md; only the environment counts",
    ),
    _own(
        "LATE_PROCESSORS",
        "one of behind, refuse, raw",
        "behind",
        "the place of processors that are added after the start: `behind` the transforms, as the exporters;"
        " `refuse`; `raw`, with every item unchanged, as upstream",
    ),
    _own(
        "REQUIRED",
        "list of names",
        "",
        "processors, such as a redactor, without which the signals that they are declared for are not exported",
    ),
    _own(
        "TRACER",
        "one of distrokit, sdk",
        "distrokit",
        "the implementation of tracers; the SDK's does the same and costs more with every span",
    ),
    _own("TRACES_PROCESSOR", "name", "batch", "the processor in front of span exporters"),
    _own("LOGS_PROCESSOR", "name", "batch", "the processor in front of log exporters"),
    _own("METRICS_READER", "name", "periodic", "the reader in front of metric exporters"),
    _own(
        "RESPONSE_PROPAGATORS",
        "list of names",
        "",
        "propagators that add headers to responses; default: those that plugins switch on; `none` for none",
    ),
    _own(
        "ENABLED_INSTRUMENTATIONS",
        "list of names",
        "",
        "the only instrumentations that are applied; default, and `*`: all; `none`; see instrumentations.md",
    ),
    _own("INSTRUMENTATION_ORDER", "list of names", "", "instrumentations that are applied first, in this order"),
    _own("DETECTOR_TIMEOUT", "integer", "2000", "time limit for all resource detectors together", "ms"),
    _own(
        "EXIT_TIMEOUT",
        "integer",
        "5000",
        "time limit for flush and shutdown at the end of the process, for all signals together",
        "ms",
    ),
)

#: Of a single instrumentation; the part in brackets is its name, or a keyword.
OF_ONE_INSTRUMENTATION = (
    _own(
        "INSTRUMENTATION_<NAME>",
        "on, off or module:Class",
        "on",
        "applies an instrumentation or not, or applies another class in its place; see instrumentations.md",
    ),
    _own("INSTRUMENTATION_<NAME>_<KEYWORD>", "JSON or text", "", "a keyword for its `instrument()`"),
    _own("INSTRUMENTATION_<NAME>_INIT_<KEYWORD>", "JSON or text", "", "a keyword for its class"),
)

SETTINGS: tuple[Setting, ...] = (
    *OWN,
    *OF_ONE_INSTRUMENTATION,
    Setting(
        name="OTEL_CONFIG_FILE",
        kind="path",
        meaning="the configuration file; see configuration-file.md",
        spec=_SDK + "#declarative-configuration",
    ),
    Setting(
        name="OTEL_EXPERIMENTAL_CONFIG_FILE",
        kind="path",
        meaning="deprecated name of `OTEL_CONFIG_FILE`, which overrides it",
        spec=_SDK + "#declarative-configuration",
    ),
    _specified(
        "OTEL_SDK_DISABLED",
        "boolean",
        "false",
        "`true`: nothing is recorded, built or sent; propagators and instrumentations still work",
        _GENERAL,
    ),
    _specified("OTEL_ENTITIES", "list of entities", "", "entities whose attributes join the resource", _GENERAL),
    _specified(
        "OTEL_RESOURCE_ATTRIBUTES", "list of key=value", "", "the resource's attributes, percent-decoded", _GENERAL
    ),
    _specified("OTEL_SERVICE_NAME", "text", "unknown_service:<executable>", "`service.name`", _GENERAL),
    _specified(
        "OTEL_LOG_LEVEL",
        "one of trace, debug, info, warn, error, fatal, off",
        "warn",
        "level of distrokit's and the SDK's own messages on stderr; at `debug` problems have tracebacks",
        _GENERAL,
    ),
    _specified(
        "OTEL_PROPAGATORS",
        "list of names",
        "tracecontext,baggage",
        "resolved by OpenTelemetry at import: a wrong name stops `opentelemetry-instrument`",
        _GENERAL,
    ),
    _specified("OTEL_TRACES_SAMPLER", "name", "parentbased_always_on", "the sampler", _GENERAL),
    _specified("OTEL_TRACES_EXPORTER", "list of names", "otlp", "`none` for nothing", _EXPORTER),
    _specified("OTEL_METRICS_EXPORTER", "list of names", "otlp", "`none` for nothing", _EXPORTER),
    _specified("OTEL_LOGS_EXPORTER", "list of names", "otlp", "`none` for nothing", _EXPORTER),
    _limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "length of every attribute's value", _LIMITS),
    _limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "128", "attributes of items that have no limit of their own", _LIMITS),
    _limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "length of a span attribute's value", _SPAN),
    _limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128", "attributes of a span", _SPAN),
    _limit("OTEL_SPAN_EVENT_COUNT_LIMIT", "128", "events of a span", _SPAN),
    _limit("OTEL_SPAN_LINK_COUNT_LIMIT", "128", "links of a span", _SPAN),
    _limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "128", "attributes of a span event", _SPAN),
    _limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "128", "attributes of a span link", _SPAN),
    _limit("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "length of a log attribute's value", _RECORD),
    _limit("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "128", "attributes of a log record", _RECORD),
    _specified(
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "one of always_on, always_off, trace_based",
        "trace_based",
        "measurements that may become exemplars",
        _SDK + "#exemplar",
        "opentelemetry-sdk",
    ),
    _specified("OTEL_PYTHON_ID_GENERATOR", "name", "random", "makes trace and span ids", _PYTHON),
    _specified(
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
        "list of names",
        "",
        "resource detectors to run; default: those of plugins; `*` for all installed",
        _PYTHON,
    ),
    _specified("OTEL_PYTHON_TRACER_CONFIGURATOR", "name", "", "switches tracers off by scope", _PYTHON),
    _specified("OTEL_PYTHON_METER_CONFIGURATOR", "name", "", "switches meters off by scope", _PYTHON),
    _specified("OTEL_PYTHON_LOGGER_CONFIGURATOR", "name", "", "switches loggers off by scope", _PYTHON),
    _upstream(
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED",
        "boolean",
        "",
        "`false` leaves the instrumentation `logging` out; `true` asks for it",
        "distrokit",
    ),
    _upstream("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "list of names", "", "`*` for all", "distrokit"),
    _upstream("OTEL_PYTHON_DISTRO", "name", "distrokit", "the active distro; see coexistence.md", "distrokit"),
    _upstream(
        "OTEL_PYTHON_CONFIGURATOR",
        "name",
        "distrokit",
        "the active distro, by its configurator's name; see coexistence.md",
        "distrokit",
    ),
    _upstream(
        "OTEL_PYTHON_CONTEXT", "name", "contextvars_context", "the implementation of the context", "opentelemetry-api"
    ),
    _upstream(
        "OTEL_PYTHON_TRACER_PROVIDER",
        "name",
        "",
        "a provider of another package, where no distro sets one",
        "opentelemetry-api",
    ),
    _upstream(
        "OTEL_PYTHON_METER_PROVIDER",
        "name",
        "",
        "a provider of another package, where no distro sets one",
        "opentelemetry-api",
    ),
    _upstream(
        "OTEL_PYTHON_LOGGER_PROVIDER",
        "name",
        "",
        "a provider of another package, where no distro sets one",
        "opentelemetry-api",
    ),
    _upstream(
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "boolean", "false", "metrics of the SDK itself", "opentelemetry-sdk"
    ),
    _upstream(
        "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH",
        "one of patch_all",
        "",
        "patches with gevent first",
        "opentelemetry-instrumentation",
    ),
    _upstream(
        "OTEL_PYTHON_AUTO_INSTRUMENTATION_DISABLED", "boolean", "", "no longer read", "opentelemetry-instrumentation"
    ),
    _instrumentations("OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION", "boolean", "true", "log records become telemetry"),
    _instrumentations("OTEL_PYTHON_LOG_CORRELATION", "boolean", "false", "trace ids in the log format"),
    _instrumentations("OTEL_PYTHON_LOG_FORMAT", "text", "", "the log format, with correlation"),
    _instrumentations("OTEL_PYTHON_LOG_LEVEL", "level", "info", "level of the root logger, with correlation"),
    _instrumentations(
        "OTEL_PYTHON_LOG_HANDLER_LEVEL", "level", "", "lowest level of the records that become telemetry"
    ),
    _instrumentations(
        "OTEL_PYTHON_LOG_CODE_ATTRIBUTES", "boolean", "false", "attributes for the place where a record was logged"
    ),
    _instrumentations(
        "OTEL_PYTHON_EXCLUDED_URLS", "list of regular expressions", "", "URLs of requests that make no spans"
    ),
    _instrumentations("OTEL_SEMCONV_STABILITY_OPT_IN", "list of names", "", "newer semantic conventions"),
    *(
        _instrumentations(
            f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_{side}", "list of regular expressions", "", meaning
        )
        for side, meaning in (
            *((side, "headers to record") for side in _SIDES),
            ("SANITIZE_FIELDS", "of these headers, those whose values are replaced by `[REDACTED]`"),
        )
    ),
)


def is_of_a_family(name: str) -> bool:
    """Tell whether a name belongs to a family of which every library or another language has its own."""
    return bool(_FAMILIES.fullmatch(name))


def read_by_instrumentations(name: str, known: Iterable[Setting]) -> bool:
    """Tell whether instrumentations read a setting: it is declared so, or has their prefix and is not declared."""
    declared = next((setting.consumer for setting in known if setting.name == name), "")
    if declared or name.startswith(LAUNCHER_PREFIX + "DISTROKIT_"):
        return declared == INSTRUMENTATIONS
    return name.startswith((LAUNCHER_PREFIX, "OTEL_INSTRUMENTATION_"))


def ignored_with_file(known: Iterable[Setting], settings: Settings) -> set[str]:
    """Return the variables in the environment that a configuration file replaces."""
    names = {setting.name for setting in known if setting.ignored_with_file}
    return {name for name in settings.environ if name.partition("__")[0] in names}


def find_deprecated_settings(known: Iterable[Setting], settings: Settings) -> Iterator[Problem]:
    """Yield a problem for each deprecated setting that is set."""
    for setting in known:
        if setting.deprecated and settings.lookup(setting.name):
            yield Problem(
                code="deprecated",
                subject=setting.name,
                cause="this setting is deprecated",
                outcome="it is still honoured",
                remedy=setting.deprecated,
                severity="warning",
            )


def find_misspelt_settings(known: Iterable[Setting], settings: Settings) -> Iterator[Problem]:
    """Yield a problem for each unknown setting: all with distrokit's prefix, others if similar to a known one.

    Of names without OpenTelemetry's prefix only those with a plugin's prefix count: third parties have names, too.
    """
    names = {setting.name for setting in known}
    of_plugins = [name for name in names if not name.startswith(_OURS)]
    for name in sorted(settings.names_set()):
        plain = name.removeprefix(LAUNCHER_PREFIX) if name.startswith(LAUNCHER_PREFIX + "DISTROKIT_") else name
        plain = plain.partition("__")[0]
        if plain in names or is_of_a_family(plain):
            continue
        if not plain.startswith(_OURS):
            yield from _misspelt_of_a_plugin(name, plain, of_plugins, settings)
            continue
        if is_of_one_instrumentation(plain):
            # Unknown instrumentations are reported where instrumentations are planned.
            continue
        own = plain.startswith("DISTROKIT_")
        hint = _suggest_reordered(plain, names) or (
            _suggest_own(plain, names) if own else did_you_mean(plain, names, MISSPELT)
        )
        missing = _missing_plugin(plain, names)
        if own or hint:
            [(_, source), *_rest] = settings.lookup(name)
            yield _unknown(
                f"{source} {name}" if source.kind in ("file", "project") else name,
                "the plugin that reads it is not there" if missing else "there is no setting of this name",
                missing or hint or "`docs/settings.md` lists all settings.",
            )


#: Plugins that are not installed by default, which are extras of distrokit; their settings begin with their names.
_PLUGINS = ("guard", "policy", "spool")


def _missing_plugin(name: str, names: Iterable[str]) -> str:
    """Return the remedy if a setting is that of a plugin of which no setting is known; else an empty text."""
    for plugin in _PLUGINS:
        prefix = f"DISTROKIT_{plugin.upper()}_"
        if name.startswith(prefix) and not any(known.startswith(prefix) for known in names):
            return to_install(f"distrokit[{plugin}]", otherwise="unset it, or unblock the plugin")
    return ""


def find_quoted_values(settings: Settings) -> Iterator[Problem]:
    """Yield a problem for variables whose value is in quotes, as ``docker run --env-file`` keeps them.

    Of ``OTEL_RESOURCE_ATTRIBUTES`` each attribute's value counts. Keywords of instrumentations may be JSON, and do not
    count.
    """
    names = [
        name
        for name, text in sorted(settings.environ.items())
        if name.startswith(_OURS) and not is_of_one_instrumentation(name) and _is_quoted(name, text)
    ]
    if names := [name for name in names if name not in settings.ignored]:
        one = len(names) == 1
        yield Problem(
            code="setting-quoted",
            subject=", ".join(names),
            cause=f"the {'value is' if one else 'values are'} in quotes, which are part of {'it' if one else 'them'}",
            outcome="the value is used with its quotes",
            remedy="Write it without quotes: a shell removes them, `docker run --env-file` and others keep them.",
            severity="warning",
        )


def _is_quoted(name: str, text: str) -> bool:
    values = [text]
    if name == "OTEL_RESOURCE_ATTRIBUTES":
        values += [item.partition("=")[2] for item in text.split(",")]
    return any(re.fullmatch(r"""(["']).*\1""", value.strip(), re.DOTALL) for value in values)


def _misspelt_of_a_plugin(name: str, plain: str, names: Iterable[str], settings: Settings) -> Iterator[Problem]:
    """Report a name that is similar to one that a plugin declares, with the same first word (``ACME_``)."""
    words = plain.split("_")
    close = [other for other in names if _is_slip_of(words, other.split("_"))]
    hint = _suggest_reordered(plain, names) or did_you_mean(plain, close, cutoff=MISSPELT)
    # NAME_FILE is a known name: it names the file of a secret.
    if hint and plain.removesuffix("_FILE") not in names:
        yield _unknown(name, "no plugin declares a setting of this name", hint)


def _suggest_reordered(name: str, names: Iterable[str]) -> str:
    """Suggest the known name with the same first word that has the same words in another order; empty for none."""
    meant = find_reordered(name, [other for other in names if other.startswith(name.partition("_")[0] + "_")])
    return f"Did you mean {meant!r}?" if meant else ""


def _suggest_own(name: str, names: Iterable[str]) -> str:
    """Suggest a name for one with distrokit's prefix; prefixes make any two names similar, and do not count."""
    # The own name counts where both prefixes have one.
    rest = {other.partition("_")[2]: other for prefix in _OURS for other in names if other.startswith(prefix)}
    found = find_closest(name.removeprefix(_PREFIX), rest)
    return f"Did you mean {rest[found]!r}?" if found else ""


def _is_slip_of(words: list[str], other: list[str]) -> bool:
    """Tell whether each word is similar: ``WEBSITE_SLOT_NAME`` is no slip of ``WEBSITE_SITE_NAME``."""
    if len(words) < 2 or words[0] != other[0]:
        return False
    pairs = zip(words, other, strict=False)
    return len(words) != len(other) or all(rate(*pair) > SIMILAR_WORD for pair in pairs)


def _unknown(subject: str, cause: str, remedy: str) -> Problem:
    return Problem(
        code="setting-unknown",
        subject=subject,
        cause=cause,
        outcome="it has no effect",
        remedy=remedy,
        severity="warning",
    )


def find_invalid_choices(known: Iterable[Setting], settings: Settings) -> Iterator[Problem]:
    """Yield a problem for each value of a plugin's setting that its ``kind`` does not list.

    Values of OpenTelemetry's and distrokit's settings are checked where they are read.
    """
    for setting in known:
        value = settings.value(setting.name)
        if value is None or setting.name.startswith(_OURS) or not setting.kind.startswith(_ONE_OF):
            continue
        choices = [word.strip() for word in re.split(r",|\bor\b", setting.kind.removeprefix(_ONE_OF))]
        if value.value.lower() not in [word.lower() for word in choices]:
            secret = is_secret(setting.name)
            owner = "its plugin" if setting.consumer == "distrokit" else f"plugin {setting.consumer}"
            yield Problem(
                code="setting-invalid",
                subject=f"{setting.name}={'****' if secret else value.value}",
                cause=f"it must be {setting.kind}" + ("" if value.source.chosen else f" (it is the {value.source})"),
                outcome=f"{owner} gets it unchanged",
                remedy=(not secret and did_you_mean(value.value, choices))
                or f"Set {setting.name} to {setting.kind}, or unset it.",
                severity="warning",
            )
