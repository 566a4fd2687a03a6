"""Policies from an OpAMP server, with ``opentelemetry-opamp-client``.

A file of the remote configuration that has a list ``policies`` is a set of policies, whatever its name is; other files
are left to others. What becomes of a set is reported as the status of the remote configuration.

The package's name, ``opentelemetry._opamp``, begins with an underscore since its API is not final; here is all of it.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Mapping
from typing import Any

from distrokit import shorten_cause
from distrokit_policy.documents import DocumentError, read_document
from distrokit_policy.engine.policies import InvalidError
from distrokit_policy.providers.http import BadResponseError, ControlPlaneError, Request

#: The states of a set, each with OpAMP's word. A trial is not over yet.
_STATUSES = {
    "applied": "APPLIED",
    "partly applied": "APPLIED",
    "held back": "APPLYING",
    "trial": "APPLYING",
    "refused": "FAILED",
    "rolled back": "FAILED",
}
#: The longest report of errors, in characters.
_LONGEST_REPORT = 2000
#: How long the end of the process waits for each of the agent's threads, in seconds.
_PATIENCE = 1.0


class OpAMPProvider:
    """Receives policies.

    Args:
        request: the server's address, with credentials.
        heartbeat_seconds: the time between two messages to the server.
        attributes: those that identify the agent.
    """

    interval_seconds = 1.0

    def __init__(self, request: Request, heartbeat_seconds: float, attributes: Mapping[str, str]) -> None:
        self._request, self._heartbeat, self._attributes = request, heartbeat_seconds, attributes
        self._lock = threading.Lock()
        self._wake: Callable[[], None] = lambda: None
        self._agent: Any = None
        self._client: Any = None
        self._message: Any = None
        self._hash, self._told = b"", (b"", "", "")
        self._had_policies = False

    def started(self, wake: Callable[[], None]) -> None:
        """Keep what asks for the policies as soon as there are some."""
        self._wake = wake

    def forked(self) -> None:
        """Become another agent in a forked child: the threads of this one are the parent's."""
        self._lock = threading.Lock()
        self._agent = self._client = self._message = None
        self._told, self._hash = (b"", "", ""), b""

    def shutdown(self) -> None:
        """Tell the server that the agent ends."""
        if self._agent is not None:
            self._agent.stop(timeout=_PATIENCE)

    def poll(self) -> object:
        """Return the policies of the last message, if it has any.

        Raises:
            ControlPlaneError: they cannot be read, or the server cannot be reached.
        """
        if self._agent is None:
            self._start()
        with self._lock:
            message, self._message = self._message, None
        if message is None:
            if self._failure:
                raise ControlPlaneError(self._failure)
            return None
        received = bytes(message.config_hash)
        if received and received == self._hash:
            # A server may repeat it; a set that was taken back does not come again.
            return None
        self._hash = received
        found = _policies_of(message.config.config_map)
        if found is None and self._had_policies:
            # The server has taken them away.
            found = {"policies": []}
        self._had_policies = found is not None
        return found

    def _start(self) -> None:
        from opentelemetry._opamp import OpAMPAgent, OpAMPCallbacks, OpAMPClient

        provider = self

        class Callbacks(OpAMPCallbacks):
            def on_message(self, agent: Any, client: Any, message: Any) -> None:
                if message.remote_config is not None:
                    provider._receive(message.remote_config)

            def on_connect(self, agent: Any, client: Any) -> None:
                provider._failure = ""

            def on_connect_failed(self, agent: Any, client: Any, error: Exception) -> None:
                provider._fail(f"the server cannot be reached: {shorten_cause(str(error))}")

            def on_error(self, agent: Any, client: Any, error_response: Any) -> None:
                provider._fail(f"the server reports: {shorten_cause(error_response.error_message)}")

        request = self._request
        self._client = OpAMPClient(
            endpoint=request.url,
            headers=request.headers,
            timeout_millis=int(request.timeout_seconds * 1000),
            agent_identifying_attributes=self._attributes,
            tls_certificate=request.certificate or True,
            tls_client_certificate=request.client_certificate or None,
            tls_client_key=request.client_key or None,
        )
        self._agent = OpAMPAgent(interval=self._heartbeat, callbacks=Callbacks(), client=self._client)
        self._agent.start()
        # It would keep an exit waiting for a server that does not respond.
        atexit.unregister(self._agent.stop)

    #: Why the server cannot be reached; empty if it can.
    _failure = ""

    def _receive(self, message: Any) -> None:
        with self._lock:
            self._message = message
        self._wake()

    def _fail(self, cause: str) -> None:
        self._failure = cause

    def report(self, status: Mapping[str, Any]) -> None:
        """Report what became of a set to the server."""
        state = status["state"]
        told = (self._hash, state, "; ".join(status["errors"])[:_LONGEST_REPORT])
        if self._client is None or not self._hash or told == self._told or state not in _STATUSES:
            return
        from opentelemetry._opamp.proto import opamp_pb2

        word = f"RemoteConfigStatuses_{_STATUSES[state]}"
        text = told[2] or ("" if state == "applied" else state)
        made = self._client.update_remote_config_status(self._hash, getattr(opamp_pb2, word), text)
        if made is not None:
            self._agent.send(self._client.build_remote_config_status_response_message(made))
        self._told = told


def _policies_of(files: Mapping[str, Any]) -> object:
    """Return the policies of all files that have some; ``None`` if no file has."""
    policies: list[Any] = []
    rest: dict[str, Any] = {}
    found = False
    for name in sorted(files):
        body, kind = files[name].body, files[name].content_type
        try:
            data = read_document(body, is_json="json" in kind).data
        except (DocumentError, InvalidError) as error:
            if "policies" in name:
                raise BadResponseError(f"file {name} of the remote configuration: {error}") from None
            continue
        if isinstance(data, Mapping) and isinstance(data.get("policies"), list):
            found = True
            policies += data["policies"]
            rest.update({key: value for key, value in data.items() if key != "policies"})
    return {**rest, "policies": policies} if found else None
