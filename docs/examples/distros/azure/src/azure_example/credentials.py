"""Tokens that expire: asked for before every request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from azure_example.settings import NAME
from distrokit import Exporter, ExporterOptions, hookimpl


class Credential(Protocol):
    """Whatever has tokens, as ``azure.identity`` has them."""

    def token(self) -> str:
        """A token that is good now; quick when the last one still is."""
        ...


class TokenFile:
    """One that somebody else keeps fresh, as Kubernetes does it."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def token(self) -> str:
        return self._path.read_text().strip()


def use(credential: Credential, options: ExporterOptions) -> None:
    """Have an exporter send the token of the moment."""

    def headers() -> Mapping[str, str]:
        return {"Authorization": f"Bearer {credential.token()}"}

    options.refresh_headers = headers


class Given:
    """A plugin that stands for what is given in code, and no variable can hold."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    @hookimpl
    def distrokit_exporter_options(self, exporter: Exporter, options: ExporterOptions) -> None:
        """Only our own exporter gets the token."""
        if exporter.name == NAME:
            use(self._credential, options)
