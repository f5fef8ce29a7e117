"""Carrying out an adjustment at Stripe, by the request or the worker that inherited it: once, whatever dies."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from uuid import UUID

from portal import clock, lookups, steps
from portal.billing import customers
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.gateway.lists import entries
from portal.mirror.customers import locked
from portal.models import Adjustment, Customer, Invoice, Payment
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import CreditNoteCreateParams, CustomerBalanceTransactionCreateParams, RefundCreateParams

_REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_CREDIT_REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")


@dataclass(frozen=True)
class _Target:
    """Stripe's ids of what is acted upon."""

    customer: str
    invoice: str = ""
    subscription: str | None = None
    intent: str = ""
    remaining_minor: int = 0


def perform(work: Work) -> None:
    """Outbox work: what :mod:`portal.billing.adjustments` wrote down. Payload: ``adjustment_id``.

    Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` when it is unknown what Stripe did.
    """
    require_money_allowed()
    row = _locked_row(work)
    if row.state != "working":
        finish(work)
        db.session.commit()
        return
    target = _target(row)
    db.session.commit()
    if row.invoice_id is None and not target.customer:
        target = _Target(customers.ensure_stripe_customer())
    try:
        stripe_id, failure = _ask(row, target), ""
    except StripeRefused as error:
        stripe_id, failure = None, str(error.params.get("stripe_code") or error.code)
    _store(work, target, stripe_id, failure)


def credit_note_params(row: Adjustment, invoice_id: str, remaining_minor: int) -> "CreditNoteCreateParams":
    """What a credit note is asked with, for Stripe's preview and for the note itself."""
    params: CreditNoteCreateParams = {
        "invoice": invoice_id,
        "amount": row.amount_minor,
        "metadata": {"adjustment_id": str(row.id)},
    }
    if row.reason_code in _CREDIT_REASONS:
        params["reason"] = row.reason_code
    if row.memo:
        params["memo"] = row.memo
    back = row.amount_minor - min(row.amount_minor, remaining_minor)
    if back and row.way == "refund":
        params["refund_amount"] = back
    elif back and row.way == "balance":
        params["credit_amount"] = back
    elif back and row.way == "out_of_band":
        params["out_of_band_amount"] = back
    return params


def _target(row: Adjustment) -> _Target:
    customer = db.session.get_one(Customer, row.tenant_id).stripe_customer_id or ""
    if row.invoice_id is None:
        return _Target(customer)
    invoice = db.session.get_one(Invoice, (row.tenant_id, row.invoice_id))
    payment = db.session.get_one(Payment, (row.tenant_id, row.payment_id)) if row.payment_id else None
    return _Target(
        customer,
        invoice.stripe_invoice_id,
        invoice.stripe_subscription_id,
        (payment.stripe_payment_intent_id if payment else None) or "",
        invoice.amount_remaining_minor,
    )


def _ask(row: Adjustment, target: _Target) -> str:
    """Returns the id of what Stripe made. After a day Stripe has forgotten the key: then it is looked for first."""
    if key_is_forgotten(row.created_at) and (found := _made_earlier(row, target)) is not None:
        return found
    return _ACTS[row.kind](row, target)


def _refund(row: Adjustment, target: _Target) -> str:
    params: RefundCreateParams = {
        "payment_intent": target.intent,
        "amount": row.amount_minor,
        "metadata": {"adjustment_id": str(row.id)},
    }
    if row.reason_code in _REFUND_REASONS:
        params["reason"] = row.reason_code
    return gateway().write(lambda s: s.v1.refunds.create(params, _key(row))).id


def _credit_note(row: Adjustment, target: _Target) -> str:
    params = credit_note_params(row, target.invoice, target.remaining_minor)
    return gateway().write(lambda s: s.v1.credit_notes.create(params, _key(row))).id


def _balance(row: Adjustment, target: _Target) -> str:
    params: CustomerBalanceTransactionCreateParams = {
        # At Stripe a negative balance is the customer's credit.
        "amount": -row.amount_minor if row.kind == "balance_credit" else row.amount_minor,
        "currency": row.currency,
        "metadata": {"adjustment_id": str(row.id)},
    }
    if row.memo:
        params["description"] = row.memo
    made = gateway().write(lambda s: s.v1.customers.balance_transactions.create(target.customer, params, _key(row)))
    return made.id


def _write_off(row: Adjustment, target: _Target) -> str:
    gateway().write(lambda s: s.v1.invoices.mark_uncollectible(target.invoice, None, _key(row)))
    return target.invoice


def _paid_out_of_band(row: Adjustment, target: _Target) -> str:
    gateway().write(lambda s: s.v1.invoices.pay(target.invoice, {"paid_out_of_band": True}, _key(row)))
    return target.invoice


_ACTS: Mapping[str, Callable[[Adjustment, _Target], str]] = {
    "refund": _refund,
    "credit_note": _credit_note,
    "balance_credit": _balance,
    "balance_debit": _balance,
    "write_off": _write_off,
    "paid_out_of_band": _paid_out_of_band,
}


def _key(row: Adjustment) -> Any:
    return keyed(f"adjustment:{row.id}")


def _made_earlier(row: Adjustment, target: _Target) -> str | None:
    """What an earlier try made whose answer was lost, by the adjustment's id that it carries."""
    read = gateway().read
    if row.kind == "refund":
        found = entries(lambda page: read(lambda s: s.v1.refunds.list(page)), payment_intent=target.intent)
    elif row.kind == "credit_note":
        found = entries(lambda page: read(lambda s: s.v1.credit_notes.list(page)), invoice=target.invoice)
    elif row.invoice_id is None:
        made = entries(lambda page: read(lambda s: s.v1.customers.balance_transactions.list(target.customer, page)))
        found = takewhile(lambda entry: entry["created"] >= row.created_at.timestamp() - 1, made)
    else:
        invoice = as_dict(read(lambda s: s.v1.invoices.retrieve(target.invoice)))
        wanted = "uncollectible" if row.kind == "write_off" else "paid"
        return target.invoice if invoice["status"] == wanted else None
    mine = (entry for entry in found if (entry["metadata"] or {}).get("adjustment_id") == str(row.id))
    return next((str(entry["id"]) for entry in mine), None)


def _store(work: Work, target: _Target, stripe_id: str | None, failure: str) -> None:
    locked()
    row = _locked_row(work)
    steps.move(row, "done" if stripe_id else "refused", reason=failure)
    row.stripe_id, row.failure_code, row.finished_at = stripe_id, failure, clock.now()
    after = {"state": row.state, "stripe_id": stripe_id, "code": failure}
    audit.record("adjustment.perform", "adjustment", str(row.id), after=after)
    if row.invoice_id is None:
        want(target.customer, "customer")
    else:
        want(target.invoice, "invoice")
        if target.subscription:  # it is not past due any more, perhaps
            want(target.subscription, "subscription")
        want(target.customer, "customer")
    if row.state == "done" and row.kind not in ("refund", "credit_note"):  # of these the mirror tells
        notify("balance_adjusted" if row.invoice_id is None else "invoice_settled", str(row.id), params=_said(row))
    finish(work)
    db.session.commit()


def _said(row: Adjustment) -> dict[str, Any]:
    """What the notice says: the row itself is staff's."""
    return {
        "kind": row.kind,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "memo": row.memo,
        "invoice_id": str(row.invoice_id) if row.invoice_id else None,
    }


def _locked_row(work: Work) -> Adjustment:
    return lookups.for_update(Adjustment, UUID(str(work.payload["adjustment_id"])))
