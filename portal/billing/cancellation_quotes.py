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
_WITHOUT_A_PERIOD = ("unpaid", "paused")


class QuoteGone(Conflict):
    """The quote is too old, not ours, or what it was made of has changed: the page shows a new one."""

    code = "cancellation_quote_gone"
    message = "The amount to be refunded has changed."
    remedy = "Nothing was canceled. Please look at the new amount and confirm it."


@dataclass(frozen=True)
class Terms:
    """What goes back, and what is taken off open invoices: minor units by Stripe's invoice id."""

    refunds: Mapping[str, int] = field(default_factory=dict)
    credits: Mapping[str, int] = field(default_factory=dict)

    @property
    def refund_minor(self) -> int:
        return sum(self.refunds.values())

    def parts(self) -> list[dict[str, Any]]:
        """As :class:`portal.models.Cancellation` keeps them."""
        return [
            {"invoice": key, "amount_minor": amount, "way": way}
            for way, amounts in (("refund", self.refunds), ("credit", self.credits))
            for key, amount in amounts.items()
        ]


@dataclass(frozen=True)
class Quote:
    """Leaving, as it would be now; amounts in minor units of the subscription's currency.

    ``owed_minor``: what is open; an end at once takes ``credit_minor`` off it for the time that is left, the rest
    stays owed. ``is_paying``: a bank works on a payment, so that there is no end at once. ``token``: for
    :func:`redeem`.
    """

    subscription: Subscription
    plan: Plan
    ends_at: datetime | None
    may_end_now: bool
    is_paying: bool
    refund_minor: int
    credit_minor: int
    owed_minor: int
    token: str

    @property
    def only_now(self) -> bool:
        """Whether there is no period to wait for."""
        return self.may_end_now and self.subscription.status in _WITHOUT_A_PERIOD


NOTHING_BACK = Terms()


def of(subscription: Subscription, plan: Plan) -> Quote:
    """The quote of a live subscription; reads only our own rows."""
    paying = is_paying(subscription)
    now_is_possible = may_end_now(subscription, plan) and not paying
    terms = NOTHING_BACK
    token = ""
    if now_is_possible:
        at = int(business_time.now().timestamp())
        terms = _terms(subscription, plan, at)
        token = _signer().dumps([subscription.stripe_subscription_id, at, _stated(terms)])
    return Quote(
        subscription=subscription,
        plan=plan,
        ends_at=subscription.trial_end if subscription.status == "trialing" else subscription.current_period_end,
        may_end_now=now_is_possible,
        is_paying=paying,
        refund_minor=terms.refund_minor,
        credit_minor=sum(terms.credits.values()),
        owed_minor=_owed(subscription),
        token=token,
    )


def may_end_now(subscription: Subscription, plan: Plan) -> bool:
    """Whether it may end at once: where the plan says so, and where there is no period to wait for."""
    return plan.cancel_at == "choice" or subscription.status in _WITHOUT_A_PERIOD


def is_paying(subscription: Subscription) -> bool:
    """Whether a bank works on a payment of the subscription: it may yet collect the whole period."""
    wanted = select(Invoice.id).where(
        Invoice.stripe_subscription_id == subscription.stripe_subscription_id,
        Invoice.status == "open",
        Invoice.payment_state == "processing",
    )
    return db.session.scalar(wanted.limit(1)) is not None


def redeem(token: str, subscription: Subscription, plan: Plan) -> Terms:
    """The terms that a quote stated, if they still hold at its moment. Raises :class:`QuoteGone`."""
    try:
        stripe_id, at, stated = _signer().loads(token, max_age=LIFETIME_SECONDS)
    except (BadSignature, ValueError, TypeError) as error:
        raise QuoteGone from error
    if stripe_id != subscription.stripe_subscription_id:
        raise QuoteGone
    terms = _terms(subscription, plan, int(at))
    if _stated(terms) != stated:
        raise QuoteGone
    return terms


def _stated(terms: Terms) -> list[dict[str, int]]:
    return [dict(terms.refunds), dict(terms.credits)]


def _signer() -> URLSafeTimedSerializer:
    key: Any = current_app.secret_key
    return URLSafeTimedSerializer(key, salt=_SALT)


def _terms(subscription: Subscription, plan: Plan, at: int) -> Terms:
    if plan.cancel_refund != "prorated":
        return NOTHING_BACK
    found = db.session.scalars(
        select(Invoice)
        .where(
            Invoice.stripe_subscription_id == subscription.stripe_subscription_id,
            Invoice.status.in_(("paid", "open")),
        )
        .order_by(Invoice.created_at.desc(), Invoice.id.desc())
    ).all()
    given = _given_before(subscription)
    shares = refunds([_billed(invoice, given) for invoice in found if _reaches(invoice, at)], at)
    still_open = {invoice.stripe_invoice_id for invoice in found if invoice.status == "open"}
    return Terms(
        refunds={key: amount for key, amount in shares.items() if key not in still_open},
        credits={key: amount for key, amount in shares.items() if key in still_open},
    )


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
    total, paid, left = invoice.total_minor, invoice.amount_paid_minor, _refundable(invoice)
    if invoice.status == "open":  # all of it is asked for, and as much can be taken off as is still to be paid
        paid, left = total, invoice.amount_remaining_minor
    return BilledInvoice(key, total, paid, left, billed, given.get(key, 0))


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
