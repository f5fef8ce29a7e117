"""Who may write a tenant's usage: many reports at once, or one that moves, adds up or closes its periods.

Locks of the transaction, in memory only: a row that every report had to lock would be written by every report. Taken by
a statement of its own, so that the next one sees what the former holder has committed.
"""

from portal import tenancy
from portal.extensions import db

KEY = "hashtextextended('usage:' || %s, 0)"


def beside_others() -> None:
    """Wait until nobody moves or closes the bound tenant's periods; until the transaction ends nobody does."""
    given = (str(tenancy.require_tenant()),)
    db.session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({KEY})", given)


def alone() -> None:
    """Wait until nobody reports usage of the bound tenant; until the transaction ends nobody does."""
    given = (str(tenancy.require_tenant()),)
    db.session.connection().exec_driver_sql(f"SELECT pg_advisory_xact_lock({KEY})", given)
