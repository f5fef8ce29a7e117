"""Outbox work on subscriptions that may not live: judging contested ones, ending superseded ones."""

from itertools import takewhile
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from portal.extensions import db
from portal.findings import report
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.gateway.lists import entries
from portal.mirror import rivals, subscriptions
from portal.mirror.customers import locked
from portal.models import Subscription
from portal.models.subscriptions import LIVE_STATUSES
from portal.outbox import Retry, Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import CustomerBalanceTransactionCreateParams, RefundCreateParams

_ENDED = ("canceled", "incomplete_expired")
_PENDING_SECONDS = 3600


def judge(work: Work) -> None:
    """Decide about a subscription that turned live beside another, by what Stripe says of both now.

    Payload: ``stripe_subscription_id``. Our record of the rival may have been old: only two that are live
    at Stripe at the same time make a duplicate.
    """
    row = _row_of(work)
    rival = rivals.other_live(row)
    db.session.commit()
    contested = subscriptions.fetch(row.stripe_subscription_id)
    other = subscriptions.fetch(rival.stripe_subscription_id) if rival else None
    locked()
    row = _row_of(work)
    if row.superseded_reason == "contested":
        if other is not None and other["status"] in LIVE_STATUSES and contested["status"] in LIVE_STATUSES:
            rivals.condemn(row)
        else:
            if other is not None:
                # Mirrored before the acquitted one enters the unique index of live subscriptions.
                subscriptions.apply(other)
            rivals.acquit(row)
        audit.record("subscription.judge", "subscription", str(row.id), after={"superseded": row.superseded_reason})
    finish(work)
    db.session.commit()


def end_superseded(work: Work) -> None:
    """End a superseded subscription at Stripe; a duplicate's payments and balance go back. Payload as in :func:`judge`.

    What is to be done comes from the tenant's own row, never from the payload. All calls are keyed, so that
    a repeat changes nothing.
    """
    require_money_allowed()
    row = _row_of(work)
    subscription_id, reason = row.stripe_subscription_id, row.superseded_reason
    db.session.commit()
    if reason not in ("duplicate", "replaced"):
        return
    if subscriptions.fetch(subscription_id)["status"] not in _ENDED:
        gateway().write(
            lambda s: s.v1.subscriptions.cancel(
                subscription_id, {"prorate": False}, keyed(f"subscription.end:{subscription_id}")
            )
        )
    if reason == "duplicate":
        _undo_invoices(subscription_id)
    audit.record("subscription.end", "stripe_subscription", subscription_id, after={"reason": reason})
    want(subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _row_of(work: Work) -> Subscription:
    """The bound tenant's own row: row-level security hides another tenant's, whatever the payload says."""
    wanted = Subscription.stripe_subscription_id == str(work.payload["stripe_subscription_id"])
    return db.session.scalars(select(Subscription).where(wanted).execution_options(populate_existing=True)).one()


def _undo_invoices(subscription_id: str) -> None:
    """Void what is open and give back what was collected or taken from the balance, over all invoices of it.

    Raises :class:`portal.outbox.Retry` while a payment is still on its way: it may yet be collected.
    """
    pending = False
    for invoice in _invoices(subscription_id):
        for payment in invoice["payments"]["data"]:
            pending |= not _refund(payment, subscription_id)
        if invoice["status"] == "open" and not pending:
            _void(str(invoice["id"]))
        if invoice["status"] == "paid":
            _restore_balance(invoice)
        want(str(invoice["id"]), "invoice")
    db.session.commit()
    if pending:
        raise Retry(_PENDING_SECONDS, "a payment is still on its way")


def _invoices(subscription_id: str) -> list[dict[str, Any]]:
    params = {"subscription": subscription_id, "expand": ["data.payments"]}
    return list(entries(lambda page: gateway().read(lambda s: s.v1.invoices.list(page)), **params))


def _restore_balance(invoice: dict[str, Any]) -> None:
    """Undo what the invoice did to the customer's balance: no refund of a payment does. Staff are told the amount.

    One whose answer was lost is looked for, as the work may be repeated after its key is forgotten.
    """
    moved_minor = invoice["ending_balance"] - invoice["starting_balance"]
    if moved_minor == 0:
        return
    customer_id, invoice_id = str(invoice["customer"]), str(invoice["id"])
    if not _is_restored(customer_id, invoice):
        params: CustomerBalanceTransactionCreateParams = {
            "amount": -moved_minor,
            "currency": invoice["currency"],
            "metadata": {"duplicate_invoice": invoice_id},
        }
        key = keyed(f"balance.duplicate:{invoice_id}")
        gateway().write(lambda s: s.v1.customers.balance_transactions.create(customer_id, params, key))
    report("duplicate_balance", invoice_id, balance_minor=-moved_minor, currency=invoice["currency"])
    want(customer_id, "customer")


def _is_restored(customer_id: str, invoice: dict[str, Any]) -> bool:
    made = entries(lambda page: gateway().read(lambda s: s.v1.customers.balance_transactions.list(customer_id, page)))
    since = takewhile(lambda entry: entry["created"] >= invoice["created"], made)
    return any((entry["metadata"] or {}).get("duplicate_invoice") == invoice["id"] for entry in since)


def _refund(payment: dict[str, Any], subscription_id: str) -> bool:
    """Give one payment back; returns whether there is nothing left to wait for."""
    intent = payment["payment"].get("payment_intent")
    if not intent or payment["status"] == "canceled":
        return True
    if payment["status"] != "paid":
        return bool(as_dict(gateway().read(lambda s: s.v1.payment_intents.retrieve(intent)))["status"] != "processing")
    params: RefundCreateParams = {
        "payment_intent": intent,
        "reason": "duplicate",
        "metadata": {"subscription": subscription_id},
    }
    try:
        gateway().write(lambda s: s.v1.refunds.create(params, keyed(f"refund.duplicate:{intent}")))
    except StripeRefused as error:
        if error.params.get("stripe_code") not in ("charge_already_refunded", "charge_disputed"):
            raise
    return True


def _void(invoice_id: str) -> None:
    gateway().write(lambda s: s.v1.invoices.void_invoice(invoice_id, None, keyed(f"invoice.void:{invoice_id}")))
