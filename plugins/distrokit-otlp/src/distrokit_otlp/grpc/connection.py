"""One HTTP/2 connection for grpc (RFC 9113), by ``h2`` over a socket of our own.

It has no thread: what the receiver sends between two requests is read before the next one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from distrokit_otlp.connected_sender import NotProcessed
from distrokit_otlp.connection.failure import ConnectionFailure, greeting_failure
from distrokit_otlp.connection.target import Address
from distrokit_otlp.connection.timed_socket import TimedSocket
from distrokit_otlp.grpc.goaway import GoAwayFilter
from distrokit_otlp.grpc.message import LARGEST_RESPONSE

Headers = Sequence[tuple[bytes, bytes]]

_READ = 65_536
#: Seconds without traffic after which the receiver must answer a PING before a request is sent, and the time for that.
_IDLE, _PING_TIME = 30.0, 3.0
#: The receiver's windows: responses are small.
_WINDOW = 1024 * 1024
_TOO_LONG = "the receiver sent a response without end"


class Response:
    """A response as it arrives.

    Args:
        stream: its number.

    Attributes:
        headers: of headers and trailers together; names in lower case, pseudo-headers included.
        data: the body.
        ended: true when it is complete.
    """

    def __init__(self, stream: int) -> None:
        self.stream, self.ended = stream, False
        self.headers: dict[str, str] = {}
        self.data = bytearray()


class Http2Connection:
    """A connection that sends one request at a time.

    Args:
        socket: the open socket.
        address: the receiver's address.

    Raises: ``ConnectionFailure`` when the receiver does not begin to speak HTTP/2.
    """

    def __init__(self, socket: TimedSocket, address: Address) -> None:
        self.address, self._socket = address, socket
        configuration = h2.config.H2Configuration(
            client_side=True, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False,
            validate_inbound_headers=False,
        )  # fmt: skip
        self._h2 = h2.connection.H2Connection(configuration)
        self._h2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65_536,
            },
        )
        self._response: Response | None = None
        self._filter = GoAwayFilter()
        self._reset: tuple[int, int] | None = None
        self._open, self._pinging, self._used_at, self.sent_whole = True, False, time.monotonic(), False
        self._greeted = False
        self._h2.initiate_connection()
        self._await_settings()

    def request(self, headers: Headers, body: bytes, deadline: float) -> Response:
        """Send a request and return the whole response.

        Raises: ``NotProcessed`` when the receiver did not begin with it; ``OSError`` when the connection breaks.
        """
        self._socket.deadline, self.sent_whole = deadline, False
        try:
            return self._request(headers, body)
        except h2.exceptions.TooManyStreamsError as error:
            raise NotProcessed("the receiver takes no more streams") from error
        except h2.exceptions.ProtocolError as error:
            self._open = False
            raise ConnectionAbortedError(f"Connection aborted: not HTTP/2, or broken: {error}"[:300]) from error
        except NotProcessed:
            raise
        except BaseException as error:
            # Whatever it is, half a frame may have been sent.
            self._open = False
            response = self._response
            if isinstance(error, OSError) and response and self._read_rest(response):
                return response
            raise

    def _read_rest(self, response: Response) -> bool:
        """Read what a receiver has sent before it closed the connection; true if that is its whole response."""
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            while not response.ended and (data := self._socket.recv_available(_READ)):
                for event in self._h2.receive_data(self._filter.feed(data)):
                    self._handle(event)
        return response.ended

    def usable(self, deadline: float) -> bool:
        """True if a request can be sent; reads what has arrived, and pings a receiver that was idle for long."""
        self._socket.deadline = min(deadline, time.monotonic() + _PING_TIME)
        try:
            while self._open and (data := self._socket.recv_available(_READ)) is not None:
                self._take(data)
            if self._open and time.monotonic() - self._used_at > _IDLE:
                self._ping()
        except (OSError, h2.exceptions.ProtocolError):
            self._open = False
        return self._open and self._filter.last_stream is None

    def interrupt(self) -> None:
        """End the connection, also for a request of another thread."""
        self._socket.interrupt()

    def close(self) -> None:
        """Close the descriptor; nothing is sent, since a forked child may close its parent's connection."""
        self._open = False
        self._socket.close()

    def _await_settings(self) -> None:
        """Wait for the receiver's settings: until then no request is sent that might be lost or processed."""
        try:
            self._flush()
            while not self._greeted:
                self._receive()
                if not self._open:
                    raise ConnectionFailure("Socket closed", self.address.place)
        except h2.exceptions.ProtocolError as error:
            raise ConnectionFailure(f"Connection aborted: not HTTP/2: {error}"[:300], self.address.place) from error
        except OSError as error:
            raise greeting_failure(error, self.address.place) from error

    def _request(self, headers: Headers, body: bytes) -> Response:
        stream = self._h2.get_next_available_stream_id()
        self._response = response = Response(stream)
        self._check(response)
        self._h2.send_headers(stream, headers)
        self._send_body(response, body)
        self._flush()
        self.sent_whole = not response.ended
        while not response.ended:
            self._receive()
            self._check(response)
        self._response = None
        self._used_at = time.monotonic()
        return response

    def _send_body(self, response: Response, body: bytes) -> None:
        """Send all data, as the receiver's windows allow, or until it has answered."""
        view, place = memoryview(body), 0
        while place < len(body) and not response.ended:
            window = min(self._h2.local_flow_control_window(response.stream), self._h2.max_outbound_frame_size)
            if window <= 0:
                self._flush()
                self._receive()
                self._check(response)
                continue
            part = view[place : place + window]
            place += len(part)
            self._h2.send_data(response.stream, bytes(part), end_stream=place == len(body))
        if response.ended and place < len(body):
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._h2.reset_stream(response.stream, h2.errors.ErrorCodes.CANCEL)

    def _check(self, response: Response) -> None:
        """Raise what ends a request without a response."""
        if response.ended:
            return
        last = self._filter.last_stream
        if last is not None and response.stream > last:
            why = f": {_error_name(self._filter.error)}" if self._filter.error else ""
            raise NotProcessed(f"the receiver closes the connection{why}")
        if self._reset and self._reset[0] == response.stream:
            code = self._reset[1]
            if code == h2.errors.ErrorCodes.REFUSED_STREAM:
                raise NotProcessed("the receiver refused the stream")
            raise ConnectionAbortedError(f"stream closed by the receiver: {_error_name(code)}")
        if not self._open:
            raise ConnectionAbortedError("Socket closed")
        if len(response.data) > LARGEST_RESPONSE + 64:
            raise EndlessResponseError(_TOO_LONG)

    def _ping(self) -> None:
        """Ask for a sign of life. Raises ``OSError``."""
        self._h2.ping(b"distroki")
        self._pinging = True
        self._flush()
        while self._pinging and self._open:
            self._receive()
        self._used_at = time.monotonic()

    def _receive(self) -> None:
        """Read once, and handle what has arrived. Raises ``OSError``, ``ProtocolError``."""
        self._take(self._socket.recv(_READ))

    def _take(self, data: bytes) -> None:
        """Handle what has arrived; nothing is the end of the connection."""
        if not data:
            self._open = False
            return
        for event in self._h2.receive_data(self._filter.feed(data)):
            self._handle(event)
        try:
            self._flush()
        except OSError:
            # The response counts, even if its receipt cannot be confirmed any more.
            self._open = False
            if self._response is None or not self._response.ended:
                raise

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._socket.sendall(data)

    def _handle(self, event: h2.events.Event) -> None:
        response = self._response
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self._greeted = True
        elif isinstance(event, h2.events.PingAckReceived):
            self._pinging = False
        elif isinstance(event, h2.events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if response and event.stream_id == response.stream:
                response.data += event.data
        elif isinstance(event, h2.events.StreamReset):
            self._reset = event.stream_id, int(event.error_code)
            if response and event.stream_id == response.stream and "grpc-status" in response.headers:
                response.ended = True
        elif response and getattr(event, "stream_id", None) == response.stream:
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                response.headers.update(_decode(event.headers))
            elif isinstance(event, h2.events.StreamEnded):
                response.ended = True


class EndlessResponseError(OSError):
    """A response is larger than any receiver's."""


def _decode(headers: Headers) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _error_name(code: int) -> str:
    try:
        return h2.errors.ErrorCodes(code).name
    except ValueError:
        return str(code)
