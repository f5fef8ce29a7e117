"""Looking at the bound tenant's subscription, and ending one that may not be."""

from typing import TYPE_CHECKING

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, keyed
from portal.gateway.errors import StripeMissing
from portal.gateway.inbox import want
from portal.models import Plan, Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.outbox import Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import InvoiceRetrieveParams, RefundCreateParams


def live_subscription() -> Subscription | None:
    """The bound tenant's one running subscription."""
    return db.session.scalars(
        select(Subscription).where(Subscription.superseded_reason.is_(None), Subscription.status.in_(LIVE_STATUSES))
    ).first()


def latest_subscription() -> Subscription | None:
    """The running subscription, else the one that ended last."""
    return (
        live_subscription()
        or db.session.scalars(
            select(Subscription)
            .where(Subscription.superseded_reason.is_(None))
            .order_by(Subscription.created_at.desc())
            .limit(1)
        ).first()
    )


def plan_of(subscription: Subscription) -> Plan:
    """The plan that a subscription is of, also when it is no longer sold."""
    return db.session.get_one(Plan, subscription.plan_id)


def end_superseded(work: Work) -> None:
    """Outbox work: end a subscription at Stripe that is a duplicate or was replaced by a paid one.

    Payload: ``stripe_subscription_id`` and ``refund`` (whether what it collected goes back). Both calls are
    keyed by the subscription, so that a repeat changes nothing.
    """
    require_money_allowed()
    db.session.commit()
    subscription_id = str(work.payload["stripe_subscription_id"])
    found = as_dict(gateway().read(lambda s: s.v1.subscriptions.retrieve(subscription_id)))
    if found["status"] != "canceled":
        gateway().write(
            lambda s: s.v1.subscriptions.cancel(
                subscription_id, {"prorate": False}, keyed(f"subscription.end:{subscription_id}")
            )
        )
    if work.payload["refund"] and found["latest_invoice"]:
        _refund_invoice(str(found["latest_invoice"]), subscription_id)
    audit.record(
        "subscription.end",
        "stripe_subscription",
        subscription_id,
        after={"refunded": work.payload["refund"], "at": clock.now().isoformat()},
    )
    want(subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _refund_invoice(stripe_invoice_id: str, subscription_id: str) -> None:
    """Give back all that was collected for an invoice, payment by payment."""
    params: InvoiceRetrieveParams = {"expand": ["payments"]}
    invoice = as_dict(gateway().read(lambda s: s.v1.invoices.retrieve(stripe_invoice_id, params)))
    for payment in invoice["payments"]["data"]:
        intent = payment["payment"].get("payment_intent")
        if payment["status"] != "paid" or not intent:
            continue
        refund: RefundCreateParams = {
            "payment_intent": intent,
            "reason": "duplicate",
            "metadata": {"subscription": subscription_id},
        }
        try:
            gateway().write(lambda s: s.v1.refunds.create(refund, keyed(f"refund.duplicate:{intent}")))  # noqa: B023
        except StripeMissing:
            continue
