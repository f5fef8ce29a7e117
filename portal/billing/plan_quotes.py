"""What a change of plan will cost: Stripe's own previews, fixed to a second, with our explanation of each line."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from portal import clock
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.mirror import subscriptions, tax_rates
from portal.mirror.discounts import reaching
from portal.mirror.invoices import discounts_of
from portal.mirror.line_explanations import details_of, explanation_of, price_of, terms_of
from portal.mirror.taxes import taxes_of
from portal.models import Plan, PlanChange, PlanPrice, Subscription
from portal.pricing.renewals import Period as Renewed
from portal.pricing.renewals import renewals

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import (
        InvoiceCreatePreviewParams,
        InvoiceCreatePreviewParamsInvoiceItem,
        InvoiceCreatePreviewParamsSubscriptionDetails,
        InvoiceCreatePreviewParamsSubscriptionDetailsItem,
    )

_EXPAND = ["discounts.source.coupon"]
Preview = dict[str, Any]
Period = tuple[datetime, datetime]


@dataclass(frozen=True)
class Asked:
    """What is asked of Stripe, frozen with the quote: the same question again has the same answer, or money moved.

    ``timing`` and ``credit_minor`` as in :class:`portal.models.PlanChange`. ``product``: Stripe's product of the
    present plan, of which the credit is given back; ``plan_id`` its name here. ``whole``: the period under way.
    ``trial_end``: where the trial under way ends by the terms of the wanted plan, at once or in UTC seconds (``None``:
    as it is), and ``without_method`` what becomes of it then without a payment method (``""``: as it is).
    """

    subscription_id: str
    item_id: str
    price_id: str
    quantity: int
    interval: str
    timing: str
    changes_interval: bool
    proration_at: datetime | None
    currency: str
    product: str
    plan_id: str
    is_free: bool
    whole: Period
    credit_minor: int = 0
    trial_end: int | Literal["now"] | None = None
    without_method: str = ""

    @property
    def resets_anchor(self) -> bool:
        """Whether a new billing cycle begins at once: Stripe then takes no proration date."""
        return self.timing == "now" and self.changes_interval and not self.ends_trial

    @property
    def ends_trial(self) -> bool:
        """Whether a trial ends with the change, and its first period is charged."""
        return self.timing == "now" and self.trial_end == "now"


@dataclass(frozen=True)
class Priced:
    """Stripe's word: the invoice of today (``None`` when there is none) and the one after it."""

    today: Preview | None
    following: Preview

    def figures(self) -> dict[str, Any]:
        """Every amount of both, to be compared to the minor unit."""
        return {"today": _figures(self.today) if self.today else None, "next": _figures(self.following)}


def asked_of(change: PlanChange) -> Asked:
    """What is asked of Stripe for a change: from columns that never change, so that a repeat asks the same."""
    price = db.session.get_one(PlanPrice, change.plan_price_id)
    present = db.session.get_one(Plan, change.from_plan_id)
    subscription = db.session.get_one(Subscription, (change.tenant_id, change.subscription_id))
    return Asked(
        subscription_id=subscription.stripe_subscription_id,
        item_id=change.stripe_item_id,
        price_id=str(price.stripe_price_id),
        quantity=change.quantity,
        interval=price.interval,
        timing=change.timing,
        changes_interval=change.changes_interval,
        proration_at=change.proration_at,
        currency=change.currency,
        product=str(present.stripe_product_id),
        plan_id=present.plan_id,
        is_free=price.unit_amount_minor == 0,
        whole=period_of(change),
        credit_minor=change.credit_minor,
        trial_end=change.quote["trial"]["end"],
        without_method=change.quote["trial"]["without_method"],
    )


def period_of(change: PlanChange) -> Period:
    """The billing period that a quote was made for."""
    return _period(*change.quote["whole"])


def period_of_item(item: dict[str, Any]) -> Period:
    """The period under way of a subscription's item, as Stripe has it now."""
    return _period(item["current_period_start"], item["current_period_end"])


def unused_minor(asked: Asked) -> int:
    """What Stripe would give back for the time that is left if a new cycle began now, in minor units, positive."""
    details: InvoiceCreatePreviewParamsSubscriptionDetails = {
        "items": [_item(asked)],
        "billing_cycle_anchor": {"type": "now"},
    }
    found = _preview(asked, details)
    return -sum(_net(line) for line in _credits(found))


def price(asked: Asked) -> Priced:
    """Both previews. Raises :class:`portal.gateway.errors.StripeFailure`; no transaction may be open."""
    items = [_item(asked)]
    if asked.timing == "trial":
        moves = isinstance(asked.trial_end, int)  # which may make an invoice of nothing now
        details: InvoiceCreatePreviewParamsSubscriptionDetails = {"items": items, "proration_behavior": "none"}
        return Priced(None, _preview(asked, {**details, **_end_of_trial(asked)}, recurring=moves))
    if asked.ends_trial:
        begun: InvoiceCreatePreviewParamsSubscriptionDetails = {"items": items, "proration_behavior": "none"}
        begun["trial_end"] = "now"
        return Priced(_preview(asked, begun), _preview(asked, begun, recurring=True))
    if asked.timing == "now" and not asked.resets_anchor:
        today = _preview(
            asked,
            {
                "items": items,
                "proration_behavior": "always_invoice",
                "proration_date": int(_required(asked.proration_at).timestamp()),
            },
        )
        return Priced(today, _preview(asked, {"items": items, "proration_behavior": "none"}))
    restarted: InvoiceCreatePreviewParamsSubscriptionDetails = {
        "items": items,
        "billing_cycle_anchor": {"type": "now"},
        "proration_behavior": "none",
    }
    if asked.timing == "now":
        return Priced(_preview(asked, restarted, credit=True), _preview(asked, restarted, recurring=True))
    if not asked.changes_interval:
        return Priced(None, _preview(asked, {"items": items, "proration_behavior": "none"}))
    # The new interval begins with the period after this one. What it costs is asked as if it began today, with the
    # discounts that there will be then.
    resource = subscriptions.fetch(asked.subscription_id)
    at = int(asked.whole[1].timestamp())
    for item in resource["items"]["data"]:
        if item["id"] == asked.item_id and item["discounts"]:
            items[0]["discounts"] = _reused(item["discounts"], at)
    return Priced(None, _preview(asked, restarted, discounts=_reused(resource["discounts"], at)))


def shown(preview: Preview, asked: Asked) -> dict[str, Any]:
    """A preview as it is kept and shown: lines with their formulas, discounts, taxes and totals in minor units."""
    terms = terms_of(preview["discounts"])
    return {
        "lines": [_line(line, asked, explanation_of(line, terms, asked.whole)) for line in preview["lines"]["data"]],
        "subtotal_minor": preview["subtotal"],
        "discounts": discounts_of(preview),
        "taxes": taxes_of(preview),
        "total_minor": preview["total"],
        "amount_due_minor": preview["amount_due"],
    }


def next_end(preview: Preview, price_id: str) -> datetime | None:
    """When the period ends that a preview bills for a price."""
    ends = [line["period"]["end"] for line in preview["lines"]["data"] if price_of(line) == price_id]
    return clock.from_timestamp(max(ends, default=None))


def credit_item(asked: Asked) -> "InvoiceCreatePreviewParamsInvoiceItem":
    """What is given back of the present period, as an item of the invoice: no discount and no proration touches it."""
    return {
        "price_data": {"currency": asked.currency, "product": asked.product, "unit_amount": -asked.credit_minor},
        "quantity": 1,
        "discountable": False,
        "metadata": {"unused_time_of": asked.plan_id},
    }


def _reused(discounts: list[Any], at: int) -> Any:
    return [{"discount": discount_id} for discount_id in reaching(discounts, at)] or ""


def _preview(
    asked: Asked,
    details: "InvoiceCreatePreviewParamsSubscriptionDetails",
    *,
    discounts: Any = None,
    credit: bool = False,
    recurring: bool = False,
) -> Preview:
    params: InvoiceCreatePreviewParams = {
        "subscription": asked.subscription_id,
        "subscription_details": details,
        "expand": _EXPAND,
    }
    if credit and asked.credit_minor:
        params["invoice_items"] = [credit_item(asked)]
    if discounts is not None:
        params["discounts"] = discounts
    if recurring:
        params["preview_mode"] = "recurring"
    found = as_dict(gateway().read(lambda s: s.v1.invoices.create_preview(params)))
    tax_rates.complete(found["total_taxes"])
    return found


def _item(asked: Asked) -> "InvoiceCreatePreviewParamsSubscriptionDetailsItem":
    return {"id": asked.item_id, "price": asked.price_id, "quantity": asked.quantity}


def _end_of_trial(asked: Asked) -> "InvoiceCreatePreviewParamsSubscriptionDetails":
    return {} if asked.trial_end is None else {"trial_end": asked.trial_end}


def _period(start: int, end: int) -> Period:
    return _required(clock.from_timestamp(start)), _required(clock.from_timestamp(end))


def _required(moment: datetime | None) -> datetime:
    if moment is None:
        raise ValueError("a period has its ends, and a change with prorations the second that they count from")
    return moment


def _credits(preview: Preview) -> list[dict[str, Any]]:
    lines = preview["lines"]["data"]
    return [line for line in lines if details_of(line).get("proration") and line["amount"] <= 0]


def _net(line: dict[str, Any]) -> int:
    amount: int = line["amount"]
    taken: int = sum(entry["amount"] for entry in line["discount_amounts"] or [])
    return amount - taken


def _figures(preview: Preview) -> dict[str, Any]:
    return {
        "lines": [
            [
                line["amount"],
                sum(entry["amount"] for entry in line["discount_amounts"] or []),
                sum(entry["amount"] for entry in line["taxes"] or []),
            ]
            for line in preview["lines"]["data"]
        ],
        "totals": [preview[name] for name in ("subtotal", "total", "amount_due", "starting_balance")],
    }


def _line(line: dict[str, Any], asked: Asked, explanation: Any) -> dict[str, Any]:
    is_credit = line["amount"] < 0
    is_part = bool(details_of(line).get("proration"))
    is_target = price_of(line) == asked.price_id
    start, end = line["period"]["start"], line["period"]["end"]
    if is_target and asked.timing == "period_end" and asked.changes_interval:  # asked as if it began today
        start, end = _first_period(asked)
    return {
        "kind": "credit" if is_credit else "part" if is_part else "whole",
        "is_target": is_target,
        "description": line["description"] or "",
        "quantity": line["quantity"],
        "amount_minor": line["amount"],
        "discount_minor": sum(entry["amount"] for entry in line["discount_amounts"] or []),
        "start": start,
        "end": end,
        "explanation": explanation.to_json() if explanation else None,
    }


def _first_period(asked: Asked) -> tuple[int, int]:
    """The first period of a new interval that begins with the end of the one under way, in seconds."""
    begins = asked.whole[1]
    following = islice(renewals(Renewed(begins, begins), asked.interval), 2)
    start, end = (int(moment.timestamp()) for moment in following)
    return start, end
