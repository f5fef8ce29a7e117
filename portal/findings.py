"""Findings for staff: what could not be squared, or was given up, and somebody has to look at."""

from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from portal import tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import DriftFinding


def report(finding: str, object_id: str, **details: Any) -> None:
    """Write an open finding about the bound tenant; see :func:`report_about`."""
    report_about(tenancy.current().tenant_id, finding, object_id, **details)


def report_about(tenant_id: UUID | None, finding: str, object_id: str, **details: Any) -> None:
    """Write an open finding in the current transaction; one that is open already stays as it is.

    ``tenant_id``: whom it is about, ``None`` for nobody. ``finding``: its kind. ``object_id``: what it is about.
    """
    db.session.execute(
        insert(DriftFinding)
        .values(id=uuid7(), tenant_id=tenant_id, kind=finding, object_id=object_id, details=details)
        .on_conflict_do_nothing()
    )
