"""Stripe's subscription schedule: what will change of a subscription by itself, and when."""

from typing import Any

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.mirror.customers import locked
from portal.mirror.errors import NotYet
from portal.models import PlanPrice, Subscription

_HOLDING = ("active", "not_started")


def fetch(object_id: str) -> dict[str, Any]:
    return as_dict(gateway().read(lambda s: s.v1.subscription_schedules.retrieve(object_id)))


def customer(resource: dict[str, Any]) -> str | None:
    return str(resource["customer"])


def apply(resource: dict[str, Any]) -> None:
    """Write on the bound tenant's subscription what its schedule will do next; nothing when the schedule is over.

    Raises :class:`portal.mirror.errors.NotYet` for a subscription that was not mirrored yet.
    """
    locked()
    row = db.session.scalars(
        select(Subscription).where(Subscription.stripe_schedule_id == resource["id"]).with_for_update()
    ).first()
    if row is None:
        if resource["status"] == "active" and not _is_mirrored(resource["subscription"]):
            raise NotYet("its subscription is not here yet")
        return  # the subscription itself says that it has a schedule, and is read again when it has
    phase = _next_phase(resource) if resource["status"] in _HOLDING else None
    row.scheduled_at = clock.from_timestamp(phase["start_date"]) if phase else None
    price, quantity = _sold(phase) if phase else (None, None)
    row.scheduled_plan_price_id = price.id if price else None
    row.scheduled_quantity = quantity


def _is_mirrored(stripe_subscription_id: str | None) -> bool:
    wanted = select(Subscription.id).where(Subscription.stripe_subscription_id == stripe_subscription_id)
    return db.session.scalar(wanted) is not None


def _next_phase(resource: dict[str, Any]) -> dict[str, Any] | None:
    running = resource["current_phase"]
    after = running["end_date"] if running else 0
    return next((phase for phase in resource["phases"] if phase["start_date"] >= after), None)


def _sold(phase: dict[str, Any]) -> tuple[PlanPrice | None, int | None]:
    """The price of ours among the phase's items, and its quantity."""
    for item in phase["items"]:
        found = db.session.scalars(select(PlanPrice).where(PlanPrice.stripe_price_id == item["price"])).first()
        if found is not None:
            return found, item.get("quantity") or 1
    return None, None
