"""Alembic's entry: runs as the owner, in one transaction, against the models' metadata."""

import sys
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parent))  # `policies` is shared by the revisions

from policies import RUNTIME_PARTITION

import portal.models  # noqa: F401  (fills the metadata)
from portal.models.base import Model

LOCK_KEY = 0x62696C6C  # "bill": two set-ups at once wait for each other


def include_object(_object: object, name: str | None, kind: str, _reflected: bool, _compare: object) -> bool:
    """Partitions are made while the portal runs; autogenerate would drop what it does not know."""
    return not (kind == "table" and name is not None and RUNTIME_PARTITION.search(name))


def run() -> None:
    settings = current_app.extensions["settings"]
    engine = create_engine(settings.role_url("owner"))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        # Set for the transaction: the revisions read it to name the roles.
        connection.execute(text("SELECT set_config('app.role_prefix', :p, true)"), {"p": settings.db_role_prefix})
        context.configure(connection=connection, target_metadata=Model.metadata, include_object=include_object)
        context.run_migrations()
    engine.dispose()


run()
