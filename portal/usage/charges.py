"""What a period's usage costs: added up once it has ended, in rows that say what they follow from."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select

from portal import clock, findings
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Plan, UsageCharge, UsagePeriod
from portal.outbox import stage
from portal.pricing import metering
from portal.usage import figures, terms

KIND = "usage.bill"
LARGEST_MINOR = 99_999_999  # Stripe's largest charge (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)


class _Former(NamedTuple):
    """What was written down of a resource before: how many charges, their sum in minor units, what the last one saw."""

    number: int = 0
    sum_minor: int = 0
    quantity: Decimal | None = None
    billable_minor: int = 0
    is_parked: bool = False


def add_up(period: UsagePeriod) -> Sequence[UsageCharge]:
    """Write down what the period costs beyond what was written down before, and owe its billing. Does not commit.

    Returns the new rows: one for each resource that was used, also where it costs nothing. Needs
    :func:`portal.usage.locks.alone`. A period of no subscription costs nothing; others go by the terms
    that their plan had when they began. What is more than Stripe takes is written down, and is a finding for staff
    instead of an item.
    """
    if period.plan_id is None:
        return ()
    plan = db.session.get_one(Plan, period.plan_id)
    granted = terms.of_plan_at(plan, period.starts_at)
    former = _former(period.id)
    waived = period.is_trial and plan.usage_in_trial == "free"
    made = [
        charge
        for resource_type, quantity in sorted(figures.used(period.id).items())
        if resource_type in granted
        for charge in _made(period, granted[resource_type], quantity, former.get(resource_type, _Former()), waived)
    ]
    _park(made, former)
    db.session.add_all(made)
    db.session.flush()
    if any(charge.amount_minor for charge in made if charge.parked_at is None):
        stage(KIND, f"{KIND}:{made[0].id}", tenant_id=period.tenant_id, payload={"period_id": str(period.id)})
    return made


def _made(
    period: UsagePeriod, granted: terms.Terms, quantity: Decimal, former: _Former, waived: bool
) -> Iterable[UsageCharge]:
    priced = granted.price(quantity, str(period.currency), period.share)
    amount_minor = (0 if waived else priced.amount) - former.sum_minor
    if former.number and not amount_minor and quantity == former.quantity:
        return
    yield UsageCharge(
        tenant_id=period.tenant_id, id=uuid7(), period_id=period.id,
        resource_type=granted.resource.resource_type, number=former.number + 1,
        subscription_id=period.subscription_id, plan_id=period.plan_id, currency=period.currency,
        quantity=quantity, included=priced.included, beyond=priced.beyond, units=priced.units,
        parts=[_stored(part) for part in priced.parts],
        before_minor=former.sum_minor, amount_minor=amount_minor, is_waived=waived,
    )  # fmt: skip


def _stored(part: metering.TierPart) -> dict[str, Any]:
    return {
        "from_units": f"{part.from_units:f}",
        "to_units": f"{part.to_units:f}",
        "unit_amount_decimal": f"{part.unit_amount:f}",
        "flat_amount": part.flat_amount,
    }


def _park(made: Sequence[UsageCharge], former: Mapping[str, _Former]) -> None:
    """Keep back what would make an invoice that Stripe refuses, the smaller charges first; staff are told of the rest.

    Nothing is sent either of what only corrects a charge that was kept back.
    """
    sum_minor = sum(each.billable_minor for each in former.values())
    for charge in sorted(made, key=lambda each: abs(each.amount_minor)):
        if not charge.amount_minor:
            continue
        is_parked = former.get(charge.resource_type, _Former()).is_parked
        if not is_parked and max(abs(charge.amount_minor), abs(sum_minor + charge.amount_minor)) <= LARGEST_MINOR:
            sum_minor += charge.amount_minor
            continue
        charge.parked_at = clock.now()
        findings.report(
            "charge_too_large", str(charge.id), amount_minor=str(charge.amount_minor), currency=charge.currency,
            resource_type=charge.resource_type,
        )  # fmt: skip


def _former(period_id: UUID) -> dict[str, _Former]:
    wanted = select(UsageCharge).where(UsageCharge.period_id == period_id).order_by(UsageCharge.number)
    found: dict[str, _Former] = {}
    for charge in db.session.scalars(wanted):
        before, is_parked = found.get(charge.resource_type, _Former()), charge.parked_at is not None
        found[charge.resource_type] = _Former(
            charge.number,
            charge.before_minor + charge.amount_minor,
            charge.quantity,
            before.billable_minor + (0 if is_parked else charge.amount_minor),
            before.is_parked or is_parked,
        )
    return found
