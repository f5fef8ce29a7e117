"""The private Valkey: loses nothing that it was told, and lets nobody in without the password."""

import time
from pathlib import Path

import pytest
import redis

from portal.embedded.valkey import ValkeyServer


@pytest.fixture
def server(tmp_path):
    server = ValkeyServer(tmp_path / "valkey", tmp_path / "valkey.log")
    yield server
    server.stop()


def test_data_survives_kill_9(server):
    server.start()
    client = redis.Redis.from_url(server.url())
    client.set("kept", "yes")
    time.sleep(1.2)  # the log of changes is written out once a second
    port = server.port
    server.process.kill()
    server.process.wait()
    server.start()
    assert server.port == port
    assert redis.Redis.from_url(server.url()).get("kept") == b"yes"


def test_data_survives_an_orderly_end(server):
    server.start()
    redis.Redis.from_url(server.url()).set("kept", "yes")
    server.stop()
    server.start()
    assert redis.Redis.from_url(server.url()).get("kept") == b"yes"


def test_nobody_gets_in_without_the_password(server):
    server.start()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port).ping()


def test_the_password_is_not_among_the_arguments(server):
    server.start()
    password = redis.connection.parse_url(server.url())["password"]
    arguments = Path(f"/proc/{server.process.pid}/cmdline").read_text()
    assert password not in arguments


def test_a_full_server_refuses_instead_of_forgetting(server):
    server.start()
    client = redis.Redis.from_url(server.url())
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
