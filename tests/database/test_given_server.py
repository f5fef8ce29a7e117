"""A server of the operator's own: an owner with no more than CREATEROLE sets the portal up, from PostgreSQL 16 on."""

import click
import psycopg
import pytest
from sqlalchemy.engine import make_url

from portal import config
from portal.app import create_app
from portal.commands.setup import prepare_database, refuse_old_server
from tests.support import database


@pytest.fixture(name="given")
def fixture_given():
    """The URL of an empty database of an ordinary owner."""
    admin = make_url(database.environment("postgres")["DATABASE_URL"])
    name = f"{database.worker_name()}_given"
    with psycopg.connect(admin.render_as_string(hide_password=False), autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchall():
            connection.execute(f"CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'given'")
        connection.execute(f"CREATE DATABASE {name} OWNER {name}")
        yield admin.set(username=name, password="given", database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_owner_without_superuser_sets_the_portal_up_twice(given, capsys):
    environment = database.environment("unused", DB_ROLE_PREFIX=f"{database.worker_name()}_given")
    app = create_app("owner", settings=config.load(environment | {"DATABASE_URL": given}))
    with app.app_context():
        prepare_database()
        prepare_database()
        database.dispose(app)
    assert "let a superuser give it to the backup role" in capsys.readouterr().out
    with psycopg.connect(given) as connection:
        assert connection.execute("SELECT count(*) FROM plans").fetchone() == (0,)
        role = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    assert role == (False, False)


@pytest.mark.parametrize("number", [130_022, 150_018])
def test_an_older_server_is_refused_in_one_sentence(number):
    with pytest.raises(
        click.ClickException, match=rf"PostgreSQL 16 or later, and DATABASE_URL leads to {number // 10_000}"
    ):
        refuse_old_server(number)


@pytest.mark.parametrize("number", [160_000, 160_014, 180_006, 190_000])
def test_the_minimum_and_all_later_ones_are_not(number):
    refuse_old_server(number)
