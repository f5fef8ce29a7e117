"""Usage of a tenant: reported as integrations do, in periods that a subscription has."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import tenancy
from portal.ids import uuid7
from portal.models import PlanResource, Subscription, Tenant, UsagePeriod
from portal.usage import ingest
from tests.pages import rows

TIERS = {"usd": [{"up_to": None, "unit_amount_decimal": "0.5"}]}


def period(session: Session, tenant_id: UUID, starts_at: datetime, **values: object) -> UsagePeriod:
    """Thirty days that are open, of the tenant's newest subscription where there is one, in the tenant's time zone."""
    newest = select(Subscription).where(Subscription.tenant_id == tenant_id).order_by(Subscription.created_at.desc())
    held = session.scalars(newest.limit(1)).first()
    terms = {"subscription_id": held.id, "plan_id": held.plan_id, "currency": held.currency} if held else {}
    zone = session.get_one(Tenant, tenant_id).timezone
    span = {"starts_at": starts_at, "ends_at": starts_at + timedelta(days=30)}
    row = UsagePeriod(**{"tenant_id": tenant_id, "id": uuid7(), "timezone": zone, **span, **terms, **values})
    session.add(row)
    session.flush()
    return row


def two_periods(session: Session, tenant_id: UUID, **last: object) -> tuple[UsagePeriod, UsagePeriod]:
    """The last period, with these values, and the one that runs, which began ten days ago, as ``rows.subscription``."""
    begun = rows.NOW - timedelta(days=10)
    found = period(session, tenant_id, begun - timedelta(days=30), **last), period(session, tenant_id, begun)
    session.commit()
    return found


def terms(session: Session, plan_id: str, resource_type: str, **values: object) -> None:
    """A plan's terms: soft, half a cent for each unit, unless ``values`` say otherwise."""
    given = {"limit_kind": "soft", "tiers": TIERS, **values}
    session.add(PlanResource(plan_id=plan_id, resource_type=resource_type, **given))
    session.commit()


def report(tenant_id: UUID, resource_type: str, quantity: Decimal | int, at: datetime, source: str = "") -> None:
    report_many(tenant_id, [(resource_type, quantity, at, source)])


def report_many(tenant_id: UUID, events: list[tuple[str, Decimal | int, datetime, str]]) -> None:
    body = [
        {"resource_type": name, "quantity": str(quantity), "timestamp": at.isoformat(), "source": source}
        for name, quantity, at, source in events
    ]
    with tenancy.bound(tenant_id):
        receipt = ingest.record(json.dumps(body))
    assert receipt.count("accepted") == len(body), receipt


def month(tenant_id: UUID, quantity: int = 100) -> None:
    """Two sources a day for forty days, the last of them today: calls, and a storage that grows by one a day."""
    events: list[tuple[str, Decimal | int, datetime, str]] = []
    for age in range(40):
        at = rows.NOW - timedelta(days=age, minutes=1)
        events += [("api_calls", quantity, at, "api"), ("api_calls", quantity // 2, at, "batch")]
        events.append(("storage_gb", 60 - age, at, ""))
    report_many(tenant_id, events)
