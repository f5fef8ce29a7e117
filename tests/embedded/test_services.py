"""The servers that every other test relies on are there, and they are what they claim to be."""

import os

import psycopg
import redis


def test_postgres_is_there_for_tests_and_gives_a_superuser():
    with psycopg.connect(os.environ["TEST_DATABASE_ADMIN_URL"], autocommit=True) as connection:
        superuser, version = connection.execute(
            "SELECT current_setting('is_superuser'), current_setting('server_version_num')::int"
        ).fetchone()
    assert superuser == "on"
    assert version >= 160000


def test_valkey_is_there_for_tests():
    client = redis.Redis.from_url(os.environ["TEST_REDIS_URL"])
    assert client.ping()
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
