"""By which names the sandbox may be called.

A page that a person visits can make its own name point at this machine (DNS rebinding) and then read and send whatever
the browser lets it do at home: but what it sends says its name in `Host`.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit


class Hosts:
    """The known names: loopback, the bound one, that of the public address, and what the command line adds."""

    def __init__(self, bound: Iterable[str], public_url: str | None, allowed: Iterable[str]) -> None:
        public = urlsplit(public_url).hostname if public_url else None
        names = {"localhost", *bound, *allowed, public or "localhost"}
        self._names = frozenset(_plain(name) for name in names)

    def knows(self, header: str) -> bool:
        """Whether a request with this `Host` (name or address, perhaps with a port) is meant for the sandbox."""
        try:
            name = _plain(urlsplit(f"//{header}").hostname or "")
        except ValueError:
            return False
        return name in self._names or _is_loopback(name)


def refusal(header: str) -> str:
    """What is answered to a request under another name."""
    return (
        f"The sandbox is not known as {header[:100]!r}. Call it by a loopback address, or start it with "
        "--allowed-host NAME (SANDBOX_ALLOWED_HOSTS) or --public-url.\n"
    )


def _plain(name: str) -> str:
    return name.strip().strip("[]").rstrip(".").lower()


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
