"""The key goes to the entered origin and nowhere else; answers are bounded; this machine is not asked by accident."""

import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal import config
from portal.config import ConfigError
from portal.sources import http, secrets
from portal.sources.base import Connection, Wanted
from portal.sources.errors import (
    AddressRefused,
    BadAddress,
    InsecureAddress,
    KeyRefused,
    SourceError,
    TooMuch,
    Unreachable,
    Unreadable,
)
from portal.sources.http import SourceSession
from portal.sources.netbox import SOURCE as NETBOX
from tests.support import database


class Strange(BaseHTTPRequestHandler):
    """A server that wants the key elsewhere, or never ends."""

    def do_GET(self):
        self.server.heard.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = self.server.bodies.get(self.path.split("?")[0], b"{}")
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("API-Version", "4.6")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(name="servers")
def fixture_servers(web):
    """Two of them; the first leads to the second."""
    made = [ThreadingHTTPServer(("127.0.0.1", 0), Strange) for _ in range(2)]
    for server in made:
        server.heard, server.bodies = [], {}
        server.elsewhere = f"http://127.0.0.1:{made[1].server_port}/stolen"
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


def production(web, **more):
    return replace(web.extensions["settings"], environment="production", **more)


def test_a_redirect_is_not_followed(servers):
    entered, other = servers
    with pytest.raises(Unreadable):
        SourceSession(entered.url).get(f"{entered.url}/redirect", headers={"Authorization": "Token x"})
    assert (len(entered.heard), other.heard) == (1, [])


def test_a_next_page_at_another_host_does_not_get_the_key(servers):
    entered, other = servers
    entered.bodies["/api/tenancy/tenants/"] = (
        b'{"count": 2, "previous": null, "next": "%s/api/tenancy/tenants/?offset=1",'
        b' "results": [{"id": 1, "name": "a", "slug": "a"}]}' % other.url.encode()
    )
    with pytest.raises(Unreadable):
        NETBOX.targets(Connection(entered.url, "0123456789"))
    assert other.heard == []
    assert entered.heard[-1][1] == "Token 0123456789"


def test_an_answer_that_is_too_large(servers, monkeypatch):
    entered, _ = servers
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    entered.bodies["/large"] = b"x" * 1001
    entered.bodies["/fits"] = b"x" * 1000
    with pytest.raises(TooMuch):
        SourceSession(entered.url).get(f"{entered.url}/large")
    assert SourceSession(entered.url).get(f"{entered.url}/fits").content == b"x" * 1000


def test_a_measurement_has_an_end(servers, monkeypatch):
    entered, _ = servers
    session = SourceSession(entered.url)
    session.get(f"{entered.url}/a")
    monkeypatch.setattr(session, "_until", 0.0)
    with pytest.raises(TooMuch):
        session.get(f"{entered.url}/b")


def test_answers_of_another_shape(servers):
    entered, _ = servers
    entered.bodies["/api/tenancy/tenants/1/"] = b'{"id": 1, "name": "a"}'
    for body in (b"<html>", b"[]", b'{"count": "many"}', b'{"count": 1, "results": 5}'):
        for path in ("dcim/devices", "ipam/ip-addresses", "ipam/prefixes", "virtualization/virtual-machines"):
            entered.bodies[f"/api/{path}/"] = body
        with pytest.raises(SourceError):
            NETBOX.measure(Connection(entered.url, "x"), _wanted())


def _wanted():
    from datetime import UTC, date, datetime

    return Wanted("1", date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC))


def test_in_production_https_is_asked_for(web, monkeypatch):
    monkeypatch.setitem(web.extensions, "settings", production(web))
    for address in ("http://127.0.0.1:8000", "http://netbox.example.com"):
        with pytest.raises(InsecureAddress):
            http.checked_url(address)
    assert http.checked_url(" https://netbox.example.com/path/ ") == "https://netbox.example.com/path"
    monkeypatch.setitem(web.extensions, "settings", production(web, sources_http_hosts=("netbox.internal",)))
    assert http.checked_url("http://netbox.internal") == "http://netbox.internal"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0"])  # noqa: S104
def test_in_production_this_machine_is_not_asked(web, servers, monkeypatch, host):
    """Whatever a name leads to is looked at after connecting, before a byte is sent."""
    port = servers[0].server_port
    monkeypatch.setitem(web.extensions, "settings", production(web))
    with pytest.raises((AddressRefused, Unreachable)) as failure:
        SourceSession(f"https://{host}:{port}").get(f"https://{host}:{port}/")
    if host in ("127.0.0.1", "localhost"):
        assert failure.type is AddressRefused
    assert servers[0].heard == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::ffff:169.254.1.1"])  # noqa: S104
def test_addresses_that_are_never_asked(address):
    class Connected:
        def getpeername(self):
            return (address, 443)

        def close(self):
            pass

    with pytest.raises(OSError, match="may not be asked"):
        http._checked_peer(Connected(), is_own=True)


def test_a_proxy_or_a_password_of_the_environment_is_not_used(servers, monkeypatch):
    entered, other = servers
    monkeypatch.setenv("HTTP_PROXY", other.url)
    monkeypatch.setenv("http_proxy", other.url)
    SourceSession(entered.url).get(f"{entered.url}/direct")
    assert [path for path, _ in entered.heard] == ["/direct"]
    assert other.heard == []


@pytest.mark.parametrize(
    "address", ["", "https://", "https:///x", "javascript:alert(1)", "https://a\nb", "https://a#b"]
)
def test_what_is_no_address(web, address):
    with pytest.raises(BadAddress):
        http.checked_url(address)


def test_keys_at_rest_can_be_rotated(web, monkeypatch):
    settings = web.extensions["settings"]
    old, new = "o" * 32, "n" * 32
    monkeypatch.setitem(web.extensions, "settings", replace(settings, sources_key=old))
    kept = secrets.encrypted("the key")
    assert "the key" not in kept
    monkeypatch.setitem(web.extensions, "settings", replace(settings, sources_key=f"{new},{old}"))
    assert secrets.decrypted(kept) == "the key"
    again = secrets.encrypted("the key")
    monkeypatch.setitem(web.extensions, "settings", replace(settings, sources_key=new))
    assert secrets.decrypted(again) == "the key"
    with pytest.raises(KeyRefused):
        secrets.decrypted(kept)
    with pytest.raises(KeyRefused):
        secrets.decrypted("kept")
    with pytest.raises(ConfigError, match="SOURCES_KEY"):
        config.load(database.environment("x", SOURCES_KEY="short"))


def test_a_name_that_nobody_has(web):
    with pytest.raises(Unreachable):
        SourceSession("https://nobody.invalid").get("https://nobody.invalid/")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(Unreachable):
            SourceSession(url).get(url)
