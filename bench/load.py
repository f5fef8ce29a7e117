"""A load generator: a few keep-alive connections, each sending its next request when the last is answered.

One thread over raw sockets, so that on a small machine the servers get the cores.
"""

import re
import select
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CONNECTIONS = 8
# gunicorn's workers share the listening socket by chance: new connections spread over them again.
REQUESTS_PER_CONNECTION = 100
PATIENCE_SECONDS = 30.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class UnexpectedAnswer(RuntimeError):
    """An answer that is neither 200 nor 201: what would be measured is not what was meant."""


@dataclass
class Load:
    """What was answered: how many, within how many seconds, and the seconds that each took."""

    answered: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def run(port: int, requests: Iterator[bytes], *, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Send ``requests`` for so many seconds (or until they end) and wait for the last answers.

    Raises :class:`UnexpectedAnswer` for any answer but 200 and 201.
    """
    load, poller = Load(), select.poll()
    started = time.perf_counter()
    busy: dict[int, _Connection] = {}
    for _ in range(connections):
        _send_next(_Connection(port), requests, busy, poller)
    while busy:
        events = poller.poll(PATIENCE_SECONDS * 1000)
        if not events:
            raise TimeoutError(f"no answer within {PATIENCE_SECONDS:.0f} s")
        for descriptor, _ in events:
            connection = busy[descriptor]
            if not connection.heard_all():
                continue
            now = time.perf_counter()
            load.latencies.append(now - connection.sent_at)
            poller.unregister(descriptor)
            del busy[descriptor]
            if now - started < seconds:
                _send_next(connection.renewed(), requests, busy, poller)
            else:
                connection.close()
    load.answered, load.seconds = len(load.latencies), time.perf_counter() - started
    return load


class _Connection:
    """One keep-alive connection and the answer that it is hearing."""

    def __init__(self, port: int) -> None:
        self.port, self._sent, self.sent_at = port, 0, 0.0
        self._heard, self._length, self._closes = bytearray(), 0, False
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: bytes) -> None:
        self._heard.clear()
        self._length, self._sent = 0, self._sent + 1
        self.sent_at = time.perf_counter()
        self.socket.sendall(message)

    def heard_all(self) -> bool:
        part = self.socket.recv(1 << 18)
        if not part:
            raise UnexpectedAnswer("the server closed the connection")
        self._heard += part
        if not self._length:
            self._length = self._whole_length()
        return 0 < self._length <= len(self._heard)

    def renewed(self) -> "_Connection":
        if self._sent < REQUESTS_PER_CONNECTION and not self._closes:
            return self
        self.close()
        return _Connection(self.port)

    def close(self) -> None:
        self.socket.close()

    def _whole_length(self) -> int:
        head = self._heard.find(b"\r\n\r\n")
        if head < 0:
            return 0
        length = _LENGTH.search(self._heard, 0, head)
        if not self._heard.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 201 ")) or length is None:
            raise UnexpectedAnswer(bytes(self._heard[:300]).decode("latin-1"))
        self._closes = _CLOSES.search(self._heard, 0, head) is not None
        return head + 4 + int(length[1])


def _send_next(
    connection: _Connection, requests: Iterator[bytes], busy: dict[int, _Connection], poller: select.poll
) -> None:
    message = next(requests, None)
    if message is None:
        connection.close()
        return
    busy[connection.socket.fileno()] = connection
    poller.register(connection.socket, select.POLLIN)
    connection.send(message)
