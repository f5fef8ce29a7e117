"""What a period's usage costs: added up once it has ended, in rows that say what they follow from."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal.extensions import db
from portal.ids import uuid7
from portal.models import Plan, UsageCharge, UsagePeriod
from portal.outbox import stage
from portal.pricing import metering
from portal.usage import figures, terms

KIND = "usage.bill"


def add_up(period: UsagePeriod) -> Sequence[UsageCharge]:
    """Write down what the period costs beyond what was written down before, and owe its billing. Does not commit.

    Returns the new rows: one for each resource that was used, also where it costs nothing. Needs
    :func:`portal.usage.locks.alone`. A period of no subscription costs nothing.
    """
    if period.plan_id is None:
        return ()
    plan = db.session.get_one(Plan, period.plan_id)
    granted = terms.of_plan(plan, with_archived=True)
    former = _former(period.id)
    waived = period.is_trial and plan.usage_in_trial == "free"
    made = [
        charge
        for resource_type, quantity in sorted(figures.used(period.id).items())
        if resource_type in granted
        for charge in _made(period, granted[resource_type], quantity, former.get(resource_type), waived)
    ]
    db.session.add_all(made)
    db.session.flush()
    if any(charge.amount_minor for charge in made):
        stage(KIND, f"{KIND}:{made[0].id}", tenant_id=period.tenant_id, payload={"period_id": str(period.id)})
    return made


def _made(
    period: UsagePeriod, granted: terms.Terms, quantity: Decimal, former: tuple[int, int, Decimal] | None, waived: bool
) -> Iterable[UsageCharge]:
    number, before_minor, before_quantity = former or (0, 0, None)
    priced = granted.price(quantity, str(period.currency), period.share)
    amount_minor = (0 if waived else priced.amount) - before_minor
    if number and not amount_minor and quantity == before_quantity:
        return
    yield UsageCharge(
        tenant_id=period.tenant_id, id=uuid7(), period_id=period.id,
        resource_type=granted.resource.resource_type, number=number + 1,
        subscription_id=period.subscription_id, plan_id=period.plan_id, currency=period.currency,
        quantity=quantity, included=priced.included, beyond=priced.beyond, units=priced.units,
        parts=[_stored(part) for part in priced.parts],
        before_minor=before_minor, amount_minor=amount_minor, is_waived=waived,
    )  # fmt: skip


def _stored(part: metering.TierPart) -> dict[str, Any]:
    return {
        "from_units": f"{part.from_units:f}",
        "to_units": f"{part.to_units:f}",
        "unit_amount_decimal": f"{part.unit_amount:f}",
        "flat_amount": part.flat_amount,
    }


def _former(period_id: UUID) -> dict[str, tuple[int, int, Decimal]]:
    """By resource: how many charges there are, what they add up to, and the quantity that the last one saw."""
    wanted = select(UsageCharge).where(UsageCharge.period_id == period_id).order_by(UsageCharge.number)
    found: dict[str, tuple[int, int, Decimal]] = {}
    for charge in db.session.scalars(wanted):
        sum_minor = charge.before_minor + charge.amount_minor
        found[charge.resource_type] = (charge.number, sum_minor, charge.quantity)
    return found
