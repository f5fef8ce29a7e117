"""Drafts that a request makes, changes or deletes. Those of subscriptions come from subscription_invoices.py."""

from typing import Any

from ..errors import InvalidRequest, modelled
from . import (
    agenda,
    automatic_tax,
    discounts,
    invoice_automation,
    invoice_items,
    invoice_totals,
    invoices,
    subscription_invoices,
    tax_rates,
)
from .fields import cleared, merged_metadata, new_metadata, non_negative
from .invoice_automation import HOUR
from .invoice_body import Draft
from .money import currency_code
from .periods import DAY
from .work import Obj, Work, copied

KIND = "invoice"
_TEXTS = ("description", "footer", "number", "statement_descriptor")
_TERMS = {
    *_TEXTS, "auto_advance", "automatic_tax", "automatically_finalizes_at", "collection_method", "custom_fields",
    "days_until_due", "default_payment_method", "default_tax_rates", "discounts", "due_date", "effective_at",
    "metadata",
}  # fmt: skip
_OPEN = {"auto_advance", "default_payment_method", "metadata", "days_until_due", "due_date", "expand"}
_FARTHEST = 5 * 366 * DAY


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/invoices: a draft for a customer, of a `subscription` when named; it does not advance by itself
    unless `auto_advance` says so. InvalidRequest: no customer, or terms that contradict each other.
    """
    modelled(params, _TERMS | {"customer", "currency", "subscription", "pending_invoice_items_behavior"}, "invoices")
    customer = work.edit("customer", _customer_of(work, params), param="customer")
    subscription = _subscription_of(work, params, customer)
    terms = {name: cleared(params[name]) for name in _TEXTS if name in params}
    terms["metadata"] = new_metadata(params.get("metadata"))
    given = Draft(
        id=work.new_id("in"),
        customer=customer,
        currency=currency_code(params.get("currency") or customer["currency"] or "usd"),
        reason="manual",
        lines=[],
        subscription=subscription,
        auto_advance=False,
        terms=terms,
    )
    if params.get("pending_invoice_items_behavior", "exclude") == "include":
        own = None if subscription is None else subscription["id"]
        waiting = invoice_items.pending(work, customer["id"], own, only=own is not None)
        subscription_invoices.take_pending(work, given, waiting)
    invoice = invoices.prepare(work, given)
    _assign(work, invoice, params)
    work.emit("invoice.created", invoice)
    return invoice


def update(work: Work, params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}: drafts wholly; of finalized ones what does not change what is owed.

    InvalidRequest (invoice_not_editable) for the rest.
    """
    modelled(params, _TERMS, "updating an invoice")
    invoice = work.edit(KIND, invoice_id)
    if invoice["status"] != "draft" and set(params) - _OPEN:
        name = sorted(set(params) - _OPEN)[0]
        raise InvalidRequest(
            f"Finalized invoices can't be updated in this way: {name}.", code="invoice_not_editable", param=name
        )
    before = copied(invoice)
    invoice["metadata"] = merged_metadata(invoice["metadata"], params.get("metadata"))
    for name in _TEXTS:
        if name in params:
            invoice[name] = cleared(params[name])
    _assign(work, invoice, params)
    work.emit_updated("invoice.updated", before, invoice)
    return invoice


def delete(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """DELETE /v1/invoices/{id}: drafts that no subscription made; others are voided instead."""
    invoice = work.edit(KIND, invoice_id)
    if invoice["status"] != "draft":
        raise InvalidRequest("You can only delete draft invoices.")
    if invoice["billing_reason"] != "manual":
        raise InvalidRequest("You can't delete invoices created by subscriptions.")
    agenda.drop(work, "invoice.finalize", invoice_id)
    invoice_items.release(work, invoice_id)
    work.emit("invoice.deleted", invoice)
    work.remove(KIND, invoice_id)
    return {"id": invoice_id, "object": KIND, "deleted": True}


def _assign(work: Work, invoice: Obj, params: Obj) -> None:
    if "default_payment_method" in params:
        invoice["default_payment_method"] = _own_method(work, invoice, params["default_payment_method"])
    if "custom_fields" in params:
        invoice["custom_fields"] = params["custom_fields"] or None
    if "effective_at" in params:
        invoice["effective_at"] = cleared(params["effective_at"])
    _assign_reductions(work, invoice, params)
    _assign_collection(work, invoice, params)
    if {"auto_advance", "automatically_finalizes_at", "collection_method"} & set(params):
        invoice["auto_advance"] = params.get("auto_advance", invoice["auto_advance"])
        _automate(work, invoice, params.get("automatically_finalizes_at"))


def _assign_reductions(work: Work, invoice: Obj, params: Obj) -> None:
    """`discounts` and `default_tax_rates`; "" takes them away. What the lines add up to changes with them."""
    if "discounts" in params:
        owner = discounts.Owner(invoice["customer"], invoice=invoice["id"])
        amount = invoice["subtotal"] if invoice["lines"]["data"] else None
        former, currency = invoice["discounts"], invoice["currency"]
        new = discounts.resolve(work, params["discounts"], owner, currency=currency, amount=amount, reusable=former)
        invoice["discounts"] = discounts.replaced(work, former, new)
    if "default_tax_rates" in params:
        chosen = tax_rates.chosen(work, params["default_tax_rates"] or None, param="default_tax_rates")
        invoice["default_tax_rates"] = chosen
    if "automatic_tax" in params:
        invoice["automatic_tax"] = automatic_tax.shown(params["automatic_tax"]["enabled"])
    tax_rates.check_one_way(invoice)
    if {"automatic_tax", "discounts", "default_tax_rates"} & params.keys():
        invoice_totals.add_up(work, invoice)


def _assign_collection(work: Work, invoice: Obj, params: Obj) -> None:
    invoice["collection_method"] = params.get("collection_method", invoice["collection_method"])
    sent = invoice["collection_method"] == "send_invoice"
    for name in ("days_until_due", "due_date"):
        if name in params and not sent:
            raise InvalidRequest(f"`{name}` is for invoices that are sent (`send_invoice`).", param=name)
    if "days_until_due" in params and "due_date" in params:
        raise InvalidRequest("You can only pass one of days_until_due and due_date.", param="due_date")
    if "days_until_due" in params:
        invoice["_"]["days_until_due"] = non_negative(params["days_until_due"], "days_until_due")
        since = invoice["status_transitions"]["finalized_at"] or work.now
        invoice["due_date"] = since + params["days_until_due"] * DAY
    elif "due_date" in params:
        if params["due_date"] <= work.now:
            raise InvalidRequest("`due_date` must be in the future.", param="due_date")
        invoice["_"]["days_until_due"] = None
        invoice["due_date"] = params["due_date"]
    elif sent and invoice["due_date"] is None:
        raise InvalidRequest("Sent invoices need `days_until_due` or `due_date`.", param="days_until_due")


def _automate(work: Work, invoice: Obj, finalizes_at: int | None) -> None:
    """Puts on the agenda, or takes off it, what an invoice does by itself."""
    if finalizes_at is not None and not work.now < finalizes_at <= work.now + _FARTHEST:
        raise InvalidRequest(
            "`automatically_finalizes_at` must lie within the next five years.", param="automatically_finalizes_at"
        )
    if invoice["status"] == "open":
        _automate_open(work, invoice)
    elif invoice["status"] == "draft":
        at = finalizes_at or (work.now + HOUR if invoice["auto_advance"] else None)
        charged = invoice["collection_method"] == "charge_automatically" and invoice["auto_advance"]
        invoice.update(automatically_finalizes_at=at, next_payment_attempt=at if charged else None)
        if at is None:
            agenda.drop(work, "invoice.finalize", invoice["id"])
        else:
            agenda.put(work, "invoice.finalize", invoice["id"], at)


def _automate_open(work: Work, invoice: Obj) -> None:
    if not invoice["auto_advance"]:
        agenda.drop(work, "invoice.pay", invoice["id"])
        invoice["next_payment_attempt"] = None
    elif invoice["collection_method"] == "charge_automatically" and invoice["next_payment_attempt"] is None:
        invoice["next_payment_attempt"] = work.now + HOUR
        agenda.put(work, "invoice.pay", invoice["id"], work.now + HOUR)
    if invoice["collection_method"] == "send_invoice":
        invoice_automation.wait_for_payment(work, invoice)


def _customer_of(work: Work, params: Obj) -> str:
    if "customer" in params:
        return str(params["customer"])
    if "subscription" in params:
        return str(work.read("subscription", params["subscription"], param="subscription")["customer"])
    raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")


def _subscription_of(work: Work, params: Obj, customer: Obj) -> Obj | None:
    if "subscription" not in params:
        return None
    subscription = work.read("subscription", params["subscription"], param="subscription")
    if subscription["customer"] != customer["id"]:
        raise InvalidRequest("The subscription does not belong to the customer.", param="subscription")
    return subscription


def _own_method(work: Work, invoice: Obj, method_id: Any) -> str | None:
    if not method_id:
        return None
    method = work.read("payment_method", method_id, param="default_payment_method")
    if method["customer"] != invoice["customer"]:
        raise InvalidRequest(
            "The payment method does not belong to the invoice's customer.", param="default_payment_method"
        )
    return str(method_id)
