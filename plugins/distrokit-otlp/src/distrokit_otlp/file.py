"""OTLP as lines of JSON, into a file or to stdout: ``opentelemetry-exporter-otlp-json-file``, if it is installed."""

from __future__ import annotations

from errno import EINVAL
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from distrokit import ExporterOptions, Reader, Value, metric_parameters

_MODULES = {
    "traces": ("trace_exporter", "FileSpanExporter"),
    "metrics": ("metric_exporter", "FileMetricExporter"),
    "logs": ("_log_exporter", "FileLogExporter"),
}


def file_parameters(reader: Reader) -> dict[str, Value[Any]]:
    """Read the output stream (configuration schema, ``OtlpFileExporter``); ``otlp/stdout`` has it in its name."""
    fixed = reader.name == "otlp/stdout"
    reader.file_name = "otlp_file/development"
    read: dict[str, Value[Any]] = {
        "output_stream": reader.default("stdout", "output_stream")
        if fixed
        else reader.parsed((), _parse_stream, "stdout", key="output_stream")
    }
    if reader.signal == "metrics":
        read.update(metric_parameters(reader))
    return read


def _parse_stream(text: str) -> str:
    parts = urlsplit(text)
    if text != "stdout" and not (parts.scheme == "file" and parts.path and parts.netloc in ("", "localhost")):
        raise ValueError("write stdout, or file:///path/to/a/file")
    return text


def make_file(options: ExporterOptions) -> Any:
    """Make the file exporter of ``options.signal``.

    Raises: ``ModuleNotFoundError`` without the package; ``OSError`` when the file cannot be written.
    """
    from distrokit import metric_arguments

    module, name = _MODULES[options.signal]
    try:
        exporter = getattr(import_module(f"opentelemetry.exporter.otlp.json.file.{module}"), name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "another package is required: pip install opentelemetry-exporter-otlp-json-file", name=error.name
        ) from error
    stream = options.arguments["output_stream"]
    target = Path(unquote(urlsplit(stream).path))
    if stream != "stdout" and target.exists() and not target.is_file():
        raise OSError(EINVAL, "it is not a regular file", str(target))
    where = {} if stream == "stdout" else {"path": str(target)}
    return exporter(**where, **(metric_arguments(options.arguments) if options.signal == "metrics" else {}))
