"""What the lines of Stripe's invoices and previews follow from: our prices, periods and what was billed before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlalchemy import Text, cast, select

from portal import clock
from portal.extensions import db
from portal.mirror import usage_periods
from portal.models import InvoiceLine, PlanPrice, Resource, Subscription, UsageCharge, UsagePeriod
from portal.pricing import explain
from portal.pricing.explain import Explanation, Shown
from portal.pricing.prorations import DiscountTerms, Share

Period = tuple[datetime, datetime]
Terms = Mapping[str, DiscountTerms]


def explanation_of(line: Mapping[str, Any], terms: Terms, whole: Period | None = None) -> Explanation | None:
    """The formula of a line as Stripe sends it, or ``None`` when nothing that we know leads to its amount.

    ``terms``: of the discounts in force, by Stripe's id (:func:`terms_of`). ``whole``: the item's whole period, for
    lines of an invoice that is not there yet. Reads the bound tenant's earlier lines.
    """
    taken = line["discount_amounts"] or []
    shown = Shown(line["amount"], sum(entry["amount"] for entry in taken), line["currency"])
    details = details_of(line)
    if charge_id := (line["metadata"] or {}).get(usage_periods.CHARGE):
        return _metered(charge_id, shown)
    if not details.get("proration"):
        return _once(line, shown)
    credited = ((details.get("proration_details") or {}).get("credited_items") or {}).get("invoice_line_items")
    seconds = line["period"]["end"] - line["period"]["start"]
    if credited:
        return _credit(shown, credited, seconds)
    if any(entry["discount"] not in terms for entry in taken):
        return None
    return _debit(line, shown, [terms[entry["discount"]] for entry in taken], seconds, whole)


def terms_of(discounts: Sequence[Any] | None) -> dict[str, DiscountTerms]:
    """What an invoice's discounts take off, by id; they have to be expanded with their coupons."""
    found = {}
    for discount in discounts or ():
        coupon = (discount.get("source") or {}).get("coupon") if isinstance(discount, dict) else None
        if isinstance(coupon, dict):
            percent = coupon.get("percent_off")
            found[discount["id"]] = DiscountTerms(
                None if percent is None else Decimal(str(percent)), coupon.get("amount_off")
            )
    return found


def details_of(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where the line comes from: a subscription's item or an invoice item."""
    parent = line["parent"] or {}
    return parent.get(str(parent.get("type"))) or {}


def price_of(line: Mapping[str, Any]) -> str | None:
    """Stripe's id of the price that the line bills."""
    price = ((line["pricing"] or {}).get("price_details") or {}).get("price")
    return price if isinstance(price, str) or price is None else str(price["id"])


def _metered(charge_id: str, shown: Shown) -> Explanation | None:
    """By the bound tenant's own charge: what a line of Stripe's names may be anything."""
    rows = select(UsageCharge, UsagePeriod, Resource).join(UsagePeriod, UsagePeriod.id == UsageCharge.period_id)
    rows = rows.join(Resource, Resource.resource_type == UsageCharge.resource_type)
    found = db.session.execute(rows.where(cast(UsageCharge.id, Text) == charge_id)).first()
    if found is None:
        return None
    charge, period, resource = found
    return explain.metered(shown, charge.usage, period.share if resource.is_level else Fraction(1))


def _once(line: Mapping[str, Any], shown: Shown) -> Explanation | None:
    unit = (line["pricing"] or {}).get("unit_amount_decimal")
    if unit is None:
        return explain.whole_price(shown, Decimal(line["amount"]), Decimal(1))
    quantity = line.get("quantity_decimal") or line["quantity"]
    return explain.whole_price(shown, Decimal(str(unit)), Decimal(str(quantity if quantity is not None else 1)))


def _credit(shown: Shown, line_ids: Sequence[str], seconds: int) -> Explanation | None:
    billed = db.session.scalars(select(InvoiceLine).where(InvoiceLine.stripe_line_id.in_(line_ids))).all()
    if len(billed) != 1 or billed[0].period_start is None or billed[0].period_end is None:
        return None
    of_seconds = _seconds((billed[0].period_start, billed[0].period_end))
    if not 0 <= seconds <= of_seconds or not of_seconds:
        return None
    return explain.given_back(shown, _share_of(billed[0]), seconds, of_seconds)


def _share_of(line: InvoiceLine) -> Share:
    """What a line billed, before and after its discounts."""
    explained = line.inputs.get("explanation")
    if explained and explained["kind"] != "price":
        return explain.from_json(explained).share
    return Share(line.amount_minor, tuple(entry["amount"] for entry in line.inputs.get("discounts", ())))


def _debit(
    line: Mapping[str, Any], shown: Shown, terms: Sequence[DiscountTerms], seconds: int, whole: Period | None
) -> Explanation | None:
    unit = db.session.scalar(select(PlanPrice.unit_amount_minor).where(PlanPrice.stripe_price_id == price_of(line)))
    period = whole or _whole_period(details_of(line), line["period"]["end"])
    if unit is None or period is None or line["quantity"] is None or not 0 <= seconds <= _seconds(period):
        return None
    return explain.time_left(shown, Decimal(unit), Decimal(line["quantity"]), seconds, _seconds(period), terms)


def _whole_period(details: Mapping[str, Any], end: int) -> Period | None:
    """The period that ends with the line: as it was billed when it began, else as the subscription has it now."""
    ends_at = clock.from_timestamp(end)
    item = InvoiceLine.inputs["parent"]["subscription_item_details"]["subscription_item"].astext
    started = db.session.scalar(
        select(InvoiceLine.period_start)
        .where(
            InvoiceLine.period_end == ends_at,
            InvoiceLine.is_proration.is_(False),
            item == details.get("subscription_item"),
        )
        .limit(1)
    )
    if started is None:
        started = db.session.scalar(
            select(Subscription.current_period_start).where(
                Subscription.stripe_subscription_id == details.get("subscription"),
                Subscription.current_period_end == ends_at,
            )
        )
    return None if started is None or ends_at is None else (started, ends_at)


def _seconds(period: Period) -> int:
    return int((period[1] - period[0]).total_seconds())
