"""Findings for staff: what the mirror met and could not square."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import DriftFinding


def report(finding: str, object_id: str, **details: Any) -> None:
    """Write an open finding in the current transaction; one that is open already stays as it is."""
    db.session.execute(
        insert(DriftFinding)
        .values(
            id=uuid7(),
            tenant_id=tenancy.current().tenant_id,
            kind=finding,
            object_id=object_id,
            details=details,
        )
        .on_conflict_do_nothing()
    )
