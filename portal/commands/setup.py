"""``flask setup``: migrations, role logins, the account binding. Idempotent; runs as the owner."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from psycopg import sql
from sqlalchemy import Connection, create_engine, text

from portal import config, heartbeats
from portal.billing.publish import publish_what_is_missing
from portal.billing.publish_coupons import publish_missing_coupons
from portal.commands.demo import seed
from portal.commands.roles import app_as
from portal.gateway.account import AccountMismatch, bind_account
from portal.gateway.errors import StripeFailure
from portal.sources import given
from portal.sources.errors import BadSource

_OLDEST_SERVER = 16


@click.command("setup")
@click.option("--skip-account", is_flag=True, help="Do not bind the Stripe account (it must be bound before a start).")
@click.option("--demo", type=click.Path(path_type=Path), help="Make the demo too, and write its logins into this file.")
@with_appcontext
def setup(skip_account: bool, demo: Path | None) -> None:
    """Migrate the database, give the portal's roles their logins, bind the Stripe account, publish plans and coupons.

    One command, because each start of the interpreter costs more than all of this does the second time.
    """
    with app_as("owner").app_context():
        prepare_database()
        heartbeats.forget_this_host()
        _enter_sources()
        if skip_account:
            return
        _bind()
    if demo is not None:
        seed(demo)
    with app_as("worker").app_context():
        publish_what_is_missing()
        publish_missing_coupons()


def _enter_sources() -> None:
    """A source that cannot be used stops nothing: it can be entered on its page."""
    try:
        given.enter()
    except BadSource as error:
        click.echo(f"A source of the settings is left out ({error.code}): {error.message}")


def prepare_database() -> None:
    """Run the migrations and set the roles' passwords. Needs an app context on the owner role."""
    settings: config.Settings = current_app.extensions["settings"]
    engine = create_engine(settings.role_url("owner"))
    with engine.connect() as connection:
        refuse_old_server(int(connection.execute(text("SHOW server_version_num")).scalar_one()))
    upgrade()
    with engine.begin() as connection:
        for role in config.LOGIN_ROLES:
            _grant_login(connection, settings, role)
        _grant_backup(connection, settings)
    engine.dispose()


def refuse_old_server(version_number: int) -> None:
    """Raises ClickException for a server before the oldest that the portal is tested on; 160014 is 16.14."""
    if version_number < _OLDEST_SERVER * 10_000:
        raise click.ClickException(
            f"The portal needs PostgreSQL {_OLDEST_SERVER} or later, and DATABASE_URL leads to "
            f"{version_number // 10_000}.{version_number % 10_000}: upgrade that server, or name another."
        )


def _bind() -> None:
    try:
        click.echo(f"Stripe account {bind_account()}")
    except AccountMismatch as error:
        raise click.ClickException(str(error)) from error
    except StripeFailure as error:
        raise click.ClickException(
            f"Stripe did not accept STRIPE_API_KEY or cannot be reached ({error.params.get('detail') or error.code}). "
            "Check the key and the network, then start again."
        ) from error


def _grant_login(connection: Connection, settings: config.Settings, role: config.Role) -> None:
    """Roles may exist with another password from an earlier secret: the new one is set every time."""
    if role in settings.db_role_urls:
        return
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
        sql.Identifier(settings.role_name(role)), sql.Literal(settings.role_password(role))
    )
    connection.exec_driver_sql(statement.as_string())


def _grant_backup(connection: Connection, settings: config.Settings) -> None:
    """``pg_dump`` under forced row-level security needs BYPASSRLS, which only a superuser or its holder can give."""
    can = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    if not connection.execute(can).scalar_one():
        click.echo("The owner may not grant BYPASSRLS: let a superuser give it to the backup role before pg_dump.")
        return
    name = sql.Identifier(settings.role_name("backup"))
    connection.exec_driver_sql(sql.SQL("GRANT SELECT ON alembic_version TO {}").format(name).as_string())
    connection.exec_driver_sql(sql.SQL("ALTER ROLE {} BYPASSRLS").format(name).as_string())
