"""Speaking to an address that staff entered: nowhere else, no longer and no more than was meant (ADR 23)."""

import socket
import time
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import current_app
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from portal.config import Settings
from portal.sources.errors import AddressRefused, BadAddress, InsecureAddress, TooMuch, Unreachable, Unreadable

CONNECT_SECONDS, READ_SECONDS = 3.05, 10.0
TOTAL_SECONDS = 24.0  # of a measurement; the lease of its work is 30
MOST_BYTES = 16 * 1024 * 1024  # of one answer
_CHUNK = 64 * 1024
_DEVELOPMENT = frozenset({"127.0.0.1", "localhost"})
_PORTS = {"http": 80, "https": 443}


class _Refused(OSError):
    """The connection led to an address that may not be asked."""


def checked_url(given: str) -> str:
    """The address without a slash at its end. Raises :class:`BadAddress`, :class:`InsecureAddress`."""
    try:
        parts = urlsplit(given.strip())
        port = parts.port
    except ValueError:
        raise BadAddress from None
    if parts.scheme not in _PORTS or not parts.hostname or len(given) > 300 or not given.strip().isprintable():
        raise BadAddress
    if parts.username or parts.password or parts.query or parts.fragment or port == 0:
        raise BadAddress
    if parts.scheme == "http" and parts.hostname not in _http_hosts():
        raise InsecureAddress
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _http_hosts() -> frozenset[str]:
    """Hosts that may be asked without TLS and may be this machine; beside the settings' the sandbox, in development."""
    settings = _settings()
    return frozenset(settings.sources_http_hosts) | (frozenset() if settings.is_production else _DEVELOPMENT)


class SourceSession(requests.Session):
    """A session that keeps to one origin: no redirect, no proxy or password of the environment, bounded in all.

    The peer is looked at after connecting and before anything is sent, so that a name which resolves otherwise the
    second time gains nothing. Raises :class:`portal.sources.errors.SourceError` subclasses.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        checked = checked_url(base_url)
        self._origin = _origin(checked)
        self._until = time.monotonic() + TOTAL_SECONDS
        self.trust_env = False
        self.verify = _settings().sources_ca_bundle or True
        self.adapters.clear()
        self.mount(f"{urlsplit(checked).scheme}://", _Adapter(is_own=urlsplit(checked).hostname in _http_hosts()))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """One request and its whole answer."""
        if _origin(str(request.url)) != self._origin:  # a "next page" elsewhere would get the key
            raise Unreadable
        left = self._until - time.monotonic()
        if left <= 0:
            raise TooMuch
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": (CONNECT_SECONDS, min(READ_SECONDS, left))}
        try:
            response = super().send(request, **kwargs)
            with response:
                self._read(response)
        except requests.RequestException as error:
            if _is_refused(error):
                raise AddressRefused from error
            raise Unreachable from error
        if response.is_redirect:
            raise Unreadable
        if response.status_code == 429 or response.status_code >= 502:
            raise Unreachable
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: requests would read the whole body of a redirect, whatever its size, to follow it."""
        del resp

    def _read(self, response: requests.Response) -> None:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > MOST_BYTES or time.monotonic() > self._until:
                raise TooMuch
        response._content = bytes(body)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def _is_refused(error: BaseException | None) -> bool:
    """Whether somewhere behind the failure an address was refused; urllib3 and requests each wrap it."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _Refused):
            return True
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return False


def _checked_peer(connected: socket.socket, *, is_own: bool) -> socket.socket:
    peer = ip_address(str(connected.getpeername()[0]).partition("%")[0])
    mapped = getattr(peer, "ipv4_mapped", None) or peer
    strange = mapped.is_link_local or mapped.is_multicast or mapped.is_unspecified
    if strange or (mapped.is_loopback and not is_own):
        connected.close()
        raise _Refused(f"{mapped} may not be asked")
    return connected


class _Adapter(HTTPAdapter):
    """Connections of which the peer is looked at. ``is_own``: the settings allow this host to be this machine."""

    def __init__(self, *, is_own: bool) -> None:
        self._is_own = is_own
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        is_own = self._is_own

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _checked_peer(super()._new_conn(), is_own=is_own)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _checked_peer(super()._new_conn(), is_own=is_own)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
