"""The Prometheus reader of ``opentelemetry-exporter-prometheus``; it listens on loopback by default."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from distrokit import ExporterOptions, Reader, Value

_STRATEGIES = (
    "underscore_escaping_with_suffixes",
    "underscore_escaping_without_suffixes/development",
    "no_utf8_escaping_with_suffixes/development",
    "no_translation/development",
)


def prometheus_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the parameters (specification, *Prometheus Exporter*; schema, ``PrometheusMetricExporter``)."""
    reader.file_name = "prometheus/development"
    read: dict[str, Value[Any]] = {
        "host": reader.text("OTEL_EXPORTER_PROMETHEUS_HOST", "localhost", key="host"),
        "port": reader.integer("OTEL_EXPORTER_PROMETHEUS_PORT", 9464, maximum=65_535, key="port"),
        "target_info": reader.flag((), True, key="target_info_enabled/development"),
        "scope_info": reader.flag((), True, key="scope_info_enabled"),
    }
    strategy = reader.choice((), _STRATEGIES, _STRATEGIES[0], key="translation_strategy")
    if strategy.value != _STRATEGIES[0]:
        reader.problem(
            code="file-part-unsupported",
            setting=f"{strategy.source} translation_strategy",
            value=strategy.value,
            cause="opentelemetry-exporter-prometheus supports one translation strategy only",
            outcome=f"{_STRATEGIES[0]} is used",
            remedy="Remove it.",
        )
    labels = reader.node("resource_constant_labels")
    if labels is not None:
        read["labels"] = Value(labels.plain(), labels.source, key="resource_constant_labels")
    return read


def make_prometheus(options: ExporterOptions) -> Any:
    """Make the reader. Its page is served from the first measurement until the reader is shut down.

    Raises: ``ModuleNotFoundError`` without the package.
    """
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader

        from distrokit_components.prometheus_page import PrometheusPage
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "it needs another package: pip install opentelemetry-exporter-prometheus", name=error.name
        ) from error

    page = PrometheusPage(options.arguments["host"], options.arguments["port"])

    class Reader(PrometheusMetricReader):
        renewing = False

        def start_collecting(self) -> None:
            page.begin()

        def forked(self) -> None:
            page.forked()

        def renew(self, take_out: Callable[[Any], None], put_in: Callable[[Any], None]) -> None:
            """Register again with the provider, in a forked child: with empty storage, without a shutdown."""
            self.renewing = True
            try:
                take_out(self)
            finally:
                self.renewing = False
            put_in(self)

        def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
            if not self.renewing:
                page.end(timeout_millis / 1000)
                super().shutdown(timeout_millis=timeout_millis, **kwargs)

    return Reader(**_keywords(options.arguments))


def _keywords(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return keywords that differ from the reader's defaults; older releases know fewer keywords."""
    keywords: dict[str, Any] = {}
    if not arguments.get("target_info", True):
        keywords["disable_target_info"] = True
    if not arguments.get("scope_info", True):
        keywords["scope_info_enabled"] = False
    labels = arguments.get("labels")
    if labels is not None:
        included, excluded = labels.get("included") or ["*"], labels.get("excluded") or []
        keywords["resource_attribute_filter"] = lambda name: (
            any(fnmatchcase(name, pattern) for pattern in included)
            and not any(fnmatchcase(name, pattern) for pattern in excluded)
        )
    return keywords
