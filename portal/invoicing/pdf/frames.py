"""Messages between the portal and its PDF process: one kind byte, four bytes of length, the content."""

import os
import select
import struct
import time
from typing import BinaryIO

DOCUMENT, PAGE, READY, PDF, FAILED, UNAVAILABLE = b"D", b"H", b"R", b"P", b"F", b"U"

_HEADER = struct.Struct(">cI")
# The longest PDF accepted; without a bound a broken child could make the portal swallow gigabytes.
_LONGEST = 64 * 2**20


def read(stream: BinaryIO) -> tuple[bytes, bytes] | None:
    """Return the next message of a blocking stream, or None when the other side is gone."""
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    kind, length = _HEADER.unpack(header)
    content = stream.read(length)
    return (kind, content) if len(content) == length else None


def write(stream: BinaryIO, kind: bytes, content: bytes = b"") -> None:
    """Write one message to a blocking stream."""
    stream.write(_HEADER.pack(kind, len(content)) + content)
    stream.flush()


def send(descriptor: int, kind: bytes, content: bytes, deadline: float) -> None:
    """Write one message to a non-blocking pipe until ``deadline`` (``time.monotonic`` seconds).

    Raises TimeoutError, or BrokenPipeError when the other side is gone.
    """
    left = memoryview(_HEADER.pack(kind, len(content)) + content)
    while left:
        _wait(descriptor, select.POLLOUT, deadline)
        left = left[os.write(descriptor, left[:65536]) :]


def receive(descriptor: int, deadline: float) -> tuple[bytes, bytes]:
    """Read one message from a non-blocking pipe until ``deadline`` (``time.monotonic`` seconds).

    Raises TimeoutError, or EOFError when the other side is gone or talks nonsense.
    """
    kind, length = _HEADER.unpack(_receive_exactly(descriptor, _HEADER.size, deadline))
    if length > _LONGEST:
        raise EOFError("message too long")
    return kind, _receive_exactly(descriptor, length, deadline)


def _receive_exactly(descriptor: int, length: int, deadline: float) -> bytes:
    content = bytearray()
    while len(content) < length:
        _wait(descriptor, select.POLLIN, deadline)
        chunk = os.read(descriptor, min(length - len(content), 2**20))
        if not chunk:
            raise EOFError("the other side is gone")
        content += chunk
    return bytes(content)


def _wait(descriptor: int, event: int, deadline: float) -> None:
    poller = select.poll()
    poller.register(descriptor, event)
    if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
        raise TimeoutError
