"""Under which names the sandbox answers: a page that points its own name at this machine gets nothing."""

import socket
from collections.abc import Iterator

import pytest
import requests

from sandbox.hosts import Hosts

from .conftest import KEY, Sandbox, start


@pytest.fixture(scope="module")
def named() -> Iterator[Sandbox]:
    """One with a public address, and a name in its network."""
    running = start("--allowed-host", "sandbox", "--allowed-host", "other", SANDBOX_PUBLIC_URL="https://pay.test/s")
    yield running
    running.kill()


def status(sandbox: Sandbox, host: str, path: str = "/_sandbox/health", method: str = "GET") -> int:
    headers = {"Host": host, "Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    return requests.request(method, sandbox.url + path, headers=headers, timeout=10).status_code


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/_sandbox/reset"),
        ("GET", "/_sandbox/webhook_endpoints"),
        ("GET", "/v1/customers"),
        ("GET", "/"),
        ("POST", "/hooks/anything"),
        ("GET", "/netbox/api/status/"),
    ],
)
@pytest.mark.parametrize("host", ["evil.test", "evil.test:12111", "127.0.0.1.evil.test", "localhost.evil.test"])
def test_another_name_is_told_off_everywhere(shared: Sandbox, method: str, path: str, host: str) -> None:
    assert status(shared, host, path, method) == 421


def test_the_refusal_says_what_to_do(shared: Sandbox) -> None:
    answer = requests.get(f"{shared.url}/", headers={"Host": "evil.test"}, timeout=10)
    assert "'evil.test'" in answer.text
    assert "--allowed-host" in answer.text
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("host", ["localhost", "LocalHost:99", "localhost.", "127.0.0.1:1", "127.8.9.1", "[::1]:12111"])
def test_loopback_is_known(shared: Sandbox, host: str) -> None:
    assert status(shared, host) == 200


def test_names_that_the_command_line_adds(named: Sandbox) -> None:
    for host in ("sandbox:12111", "other", "pay.test", "127.0.0.1"):
        assert status(named, host) == 200
    for host in ("pay.test.evil.test", "sandbox.evil.test"):
        assert status(named, host) == 421


def test_names_come_from_the_environment_too() -> None:
    running = start(SANDBOX_ALLOWED_HOSTS="sandbox, other")
    assert [status(running, host) for host in ("sandbox", "other", "third")] == [200, 200, 421]
    running.kill()


@pytest.mark.parametrize(
    "request_line",
    ["GET http://evil.test/_sandbox/health HTTP/1.1\r\nHost: localhost", "GET /_sandbox/health HTTP/1.0"],
)
def test_a_name_in_the_target_counts_and_none_is_no_name(shared: Sandbox, request_line: str) -> None:
    port = int(shared.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"{request_line}\r\nConnection: close\r\n\r\n".encode())
        assert b" 421 " in connection.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize("header", ["", " ", "[", "[::1", "evil test", "user@evil.test", "127.1", "::ffff:1.2.3.4"])
def test_what_is_no_name_is_not_known(header: str) -> None:
    assert not Hosts(["10.0.0.5"], None, []).knows(header)


def test_the_bound_address_is_known() -> None:
    assert Hosts(["10.0.0.5", "fd00::5"], None, []).knows("10.0.0.5:80")
    assert Hosts(["10.0.0.5", "fd00::5"], None, []).knows("[FD00::5]:80")
