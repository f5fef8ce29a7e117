"""TCP ports on this machine."""

import contextlib
import errno
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now (a port in TIME_WAIT counts as free, as servers see it).

    Raises OSError for every other fault than a taken port: a forbidden one, an unknown host.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def any_free() -> int:
    """A free port on loopback, chosen by the operating system."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def next_free(wanted: int, tries: int = 100) -> int:
    """The wanted port, else the first free one above it, else any."""
    for port in range(wanted, min(wanted + tries, 65536)):
        if is_free(port):
            return port
    return any_free()


def kept(note: Path, wanted: int | None = None) -> int:
    """The port noted in this file if it is free now, else a new one (from `wanted` on), which is noted.

    A port that stays the same across restarts keeps connection strings, bookmarks and tools working.
    """
    with contextlib.suppress(OSError, ValueError):
        port = int(note.read_text())
        if 0 < port < 65536 and is_free(port):
            return port
    port = any_free() if wanted is None else next_free(wanted)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{port}\n")
    return port
