"""What leaving means, said beforehand: until when, what goes back, and a token that holds to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select

from portal import business_time
from portal.errors import Conflict
from portal.extensions import db
from portal.models import Cancellation, Invoice, Plan, Subscription
from portal.pricing.unused_time import BilledInvoice, BilledTime, refunds

LIFETIME_SECONDS = 900  # real time: for as long a refund that was shown is the refund that is given
_SALT = "cancellation-quote"


class QuoteGone(Conflict):
    """The quote is too old, not ours, or what it was made of has changed: the page shows a new one."""

    code = "cancellation_quote_gone"
    message = "The amount to be refunded has changed."
    remedy = "Nothing was canceled. Please look at the new amount and confirm it."


@dataclass(frozen=True)
class Terms:
    """What goes back: minor units by Stripe's invoice id."""

    refunds: Mapping[str, int] = field(default_factory=dict)

    @property
    def refund_minor(self) -> int:
        return sum(self.refunds.values())

    def parts(self) -> list[dict[str, Any]]:
        """As :class:`portal.models.Cancellation` keeps them."""
        return [{"invoice": key, "amount_minor": amount, "way": "refund"} for key, amount in self.refunds.items()]


@dataclass(frozen=True)
class Quote:
    """Leaving, as it would be now. ``owed_minor``: what is open and stays owed. ``token``: for :func:`redeem`."""

    subscription: Subscription
    plan: Plan
    ends_at: datetime | None
    may_end_now: bool
    refund_minor: int
    owed_minor: int
    token: str


NOTHING_BACK = Terms()


def of(subscription: Subscription, plan: Plan) -> Quote:
    """The quote of a live subscription; reads only our own rows."""
    now_is_possible = may_end_now(subscription, plan)
    terms = NOTHING_BACK
    token = ""
    if now_is_possible:
        at = int(business_time.now().timestamp())
        terms = _terms(subscription, plan, at)
        token = _signer().dumps([subscription.stripe_subscription_id, at, dict(terms.refunds)])
    return Quote(
        subscription=subscription,
        plan=plan,
        ends_at=subscription.trial_end if subscription.status == "trialing" else subscription.current_period_end,
        may_end_now=now_is_possible,
        refund_minor=terms.refund_minor,
        owed_minor=_owed(subscription),
        token=token,
    )


def may_end_now(subscription: Subscription, plan: Plan) -> bool:
    """Whether it may end at once: where the plan says so, and where there is no period to wait for."""
    return plan.cancel_at == "choice" or subscription.status in ("unpaid", "paused")


def redeem(token: str, subscription: Subscription, plan: Plan) -> Terms:
    """The terms that a quote stated, if they still hold at its moment. Raises :class:`QuoteGone`."""
    try:
        stripe_id, at, stated = _signer().loads(token, max_age=LIFETIME_SECONDS)
    except (BadSignature, ValueError, TypeError) as error:
        raise QuoteGone from error
    if stripe_id != subscription.stripe_subscription_id:
        raise QuoteGone
    terms = _terms(subscription, plan, int(at))
    if dict(terms.refunds) != stated:
        raise QuoteGone
    return terms


def _signer() -> URLSafeTimedSerializer:
    key: Any = current_app.secret_key
    return URLSafeTimedSerializer(key, salt=_SALT)


def _terms(subscription: Subscription, plan: Plan, at: int) -> Terms:
    if plan.cancel_refund != "prorated":
        return NOTHING_BACK
    paid = db.session.scalars(
        select(Invoice)
        .where(Invoice.stripe_subscription_id == subscription.stripe_subscription_id, Invoice.status == "paid")
        .order_by(Invoice.created_at.desc(), Invoice.id.desc())
    ).all()
    given = _given_before(subscription)
    return Terms(refunds([_billed(invoice, given) for invoice in paid if _reaches(invoice, at)], at))


def _given_before(subscription: Subscription) -> dict[str, int]:
    """What earlier tries that came to nothing have given back for unused time, by Stripe's invoice id."""
    given: dict[str, int] = {}
    for row in db.session.scalars(select(Cancellation).where(Cancellation.subscription_id == subscription.id)):
        for note in row.stripe_credit_notes:
            given[note["invoice"]] = given.get(note["invoice"], 0) + note["amount_minor"]
    return given


def _reaches(invoice: Invoice, at: int) -> bool:
    return any(line.period_end is not None and line.period_end.timestamp() > at for line in invoice.lines)


def _billed(invoice: Invoice, given: Mapping[str, int]) -> BilledInvoice:
    billed = tuple(
        BilledTime(
            line.amount_minor - line.discount_minor + _exclusive_tax(line.inputs),
            int(line.period_start.timestamp()),
            int(line.period_end.timestamp()),
        )
        for line in invoice.lines
        if line.period_start is not None and line.period_end is not None
    )
    key = invoice.stripe_invoice_id
    total, paid = invoice.total_minor, invoice.amount_paid_minor
    return BilledInvoice(key, total, paid, _refundable(invoice), billed, given.get(key, 0))


def _refundable(invoice: Invoice) -> int:
    """What can still go back to whoever paid: what is neither credited nor refunded yet, by anybody.

    Stripe refunds what it has charged, not what was paid past it.
    """
    charged = [each for each in invoice.payments if each.status == "paid" and each.stripe_payment_intent_id]
    left = sum(payment.amount_minor - payment.refunded_minor for payment in charged)
    return max(min(left, invoice.total_minor - invoice.credited_minor), 0)


def _exclusive_tax(inputs: Mapping[str, Any]) -> int:
    return sum(int(tax["amount"]) for tax in inputs.get("taxes", []) if tax.get("tax_behavior") != "inclusive")


def _owed(subscription: Subscription) -> int:
    owed = db.session.scalars(
        select(Invoice.amount_remaining_minor).where(
            Invoice.stripe_subscription_id == subscription.stripe_subscription_id, Invoice.status == "open"
        )
    )
    return sum(owed)
