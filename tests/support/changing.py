"""Changing plans in tests, at the level of verbs."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import tenancy
from portal.billing import plan_changes
from portal.extensions import db
from portal.models import DriftFinding, PlanChange
from tests.support.shopping import ACTOR


def quote(tenant_id: UUID, plan: str, interval: str = "month", quantity: Any = 1) -> PlanChange:
    """What the page of a change shows first."""
    with tenancy.bound(tenant_id):
        return plan_changes.quote(plan, interval, quantity, actor=ACTOR)


def confirm(tenant_id: UUID, change: PlanChange) -> PlanChange:
    """Its button."""
    with tenancy.bound(tenant_id):
        return plan_changes.confirm(change.id, actor=ACTOR)


def cancel(tenant_id: UUID, change: PlanChange) -> PlanChange:
    """Take it back."""
    with tenancy.bound(tenant_id):
        return plan_changes.cancel(change.id, actor=ACTOR)


def seen(tenant_id: UUID, change: PlanChange) -> PlanChange:
    """The change as it is now."""
    with tenancy.bound(tenant_id):
        return plan_changes.get(change.id)


def findings(tenant_id: UUID) -> list[tuple[str, str]]:
    """What staff would be told about a tenant; read on the staff role."""
    with tenancy.staff_session() as session:
        rows = session.execute(
            select(DriftFinding.kind, DriftFinding.object_id).where(DriftFinding.tenant_id == tenant_id)
        )
        return [(kind, object_id) for kind, object_id in rows]


def policy(settings: Any, plan_id: str, **values: Any) -> None:
    """Set a plan's policies, as staff would."""
    from portal.models import Plan
    from tests.pages.rows import written

    with written(settings) as session:
        plan = session.get_one(Plan, plan_id)
        for name, value in values.items():
            setattr(plan, name, value)
    db.session.remove()
