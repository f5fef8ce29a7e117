"""Invoices: draft, open, paid, void. How an open one is paid is in collection.py.

Shapes of the pinned version: `parent.subscription_details`, lines with `pricing.price_details`, and
the payment behind `payments` (stripe.md section 4).
"""

from collections.abc import Iterator

from ..errors import InvalidRequest
from . import customers, invoice_payments, payment_intents
from .account import COUNTRY, NAME
from .fields import in_range, list_object, where
from .money import formatted
from .prices import amount_of
from .work import Obj, Work, copied

KIND = "invoice"


def draft_for_subscription(work: Work, subscription: Obj, reason: str) -> Obj:
    """A draft over the subscription's items for their current periods; emits invoice.created."""
    customer = work.read("customer", subscription["customer"])
    invoice_id = work.new_id("in")
    lines = [_line(work, invoice_id, subscription, item) for item in subscription["items"]["data"]]
    total = sum(line["amount"] for line in lines)
    invoice = {
        **_letterhead(customer),
        **_amounts(total),
        "id": invoice_id,
        "object": KIND,
        "account_tax_ids": None,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": _automatic_tax(subscription),
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": subscription["collection_method"],
        "created": work.now,
        "currency": subscription["currency"],
        "custom_fields": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": list_object(lines, f"/v1/invoices/{invoice_id}/lines"),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": copied(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": work.now,
        "period_start": work.now,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "test_clock": None,
        "webhooks_delivered_at": work.now,
    }
    work.add(KIND, invoice)
    work.emit("invoice.created", invoice)
    return invoice


def finalize(work: Work, invoice_id: str, intent_id: str | None = None) -> Obj:
    """draft -> open: number, hosted page and, with an amount due, the payment intent.

    `intent_id`: an intent that already tried to pay this (Checkout); otherwise one is made.
    """
    invoice = work.edit(KIND, invoice_id)
    invoice["number"] = customers.next_number(work, invoice["customer"])
    invoice.update(
        status="open",
        effective_at=work.now,
        ending_balance=0,
        hosted_invoice_url=f"{work.public_url}/invoice/{invoice_id}",
    )
    invoice["status_transitions"]["finalized_at"] = work.now
    if invoice["amount_due"] > 0:
        if intent_id is None:
            intent = payment_intents.create(
                work, invoice["amount_due"], invoice["currency"], invoice["customer"], "Subscription creation"
            )
            intent_id = intent["id"]
        invoice_payments.open_for(work, invoice, intent_id)
    work.emit("invoice.finalized", invoice)
    return invoice


def mark_paid(work: Work, invoice_id: str, amount_paid: int) -> Obj:
    """open -> paid; emits invoice.updated, invoice.paid and invoice.payment_succeeded."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    invoice.update(
        status="paid",
        attempted=True,
        auto_advance=False,
        amount_paid=amount_paid,
        amount_remaining=0,
        next_payment_attempt=None,
    )
    if amount_paid:
        invoice["attempt_count"] += 1
    invoice["status_transitions"]["paid_at"] = work.now
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.paid", invoice)
    work.emit("invoice.payment_succeeded", invoice)
    return invoice


def mark_failed(work: Work, invoice_id: str, *, action_required: bool) -> Obj:
    """Counts a failed try; emits invoice.payment_failed, or payment_action_required for 3-D Secure."""
    invoice = work.edit(KIND, invoice_id)
    before = copied(invoice)
    invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)
    work.emit_updated("invoice.updated", before, invoice)
    if action_required:
        work.emit("invoice.payment_action_required", invoice)
    work.emit("invoice.payment_failed", invoice)
    return invoice


def void(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """POST /v1/invoices/{id}/void, for open and uncollectible invoices only."""
    invoice = work.edit(KIND, invoice_id)
    if invoice["status"] not in ("open", "uncollectible"):
        raise InvalidRequest("You can only pass in open or uncollectible invoices. This invoice isn't open.")
    before = copied(invoice)
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["voided_at"] = work.now
    payment = invoice_payments.of(work, invoice_id)
    if payment is not None:
        invoice_payments.cancel(work, payment["id"])
        payment_intents.cancel(work, payment["payment"]["payment_intent"], "void_invoice")
    work.emit_updated("invoice.updated", before, invoice)
    work.emit("invoice.voided", invoice)
    return invoice


def retrieve(work: Work, _params: Obj, invoice_id: str) -> Obj:
    """GET /v1/invoices/{id}."""
    return work.read(KIND, invoice_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/invoices."""
    for name in ("customer", "subscription"):
        if name in params:
            work.read(name, params[name], param=name)
    subscription = params.get("subscription")
    for invoice in where(work.all(KIND), params, "customer", "status", "collection_method"):
        if subscription not in (None, subscription_of(invoice)):
            continue
        if "due_date" not in params or in_range(invoice["due_date"] or 0, params["due_date"]):
            yield invoice


def lines(work: Work, _params: Obj, invoice_id: str) -> Iterator[Obj]:
    """GET /v1/invoices/{id}/lines, in the invoice's order."""
    return iter(work.read(KIND, invoice_id)["lines"]["data"])


def subscription_of(invoice: Obj) -> str | None:
    """The id of the subscription that the invoice bills, or None."""
    parent = invoice["parent"]
    if parent is None or parent["subscription_details"] is None:
        return None
    found: str = parent["subscription_details"]["subscription"]
    return found


def _letterhead(customer: Obj) -> Obj:
    """Who bills whom, as it was when the invoice was made."""
    return {
        "account_country": COUNTRY,
        "account_name": NAME,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": copied(customer["address"]),
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": copied(customer["shipping"]),
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
    }


def _amounts(total: int) -> Obj:
    return {
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "ending_balance": None,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def _automatic_tax(subscription: Obj) -> Obj:
    enabled = subscription["automatic_tax"]["enabled"]
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": "complete" if enabled else None,
    }


def _line(work: Work, invoice_id: str, subscription: Obj, item: Obj) -> Obj:
    price, quantity = item["price"], item["quantity"]
    trial = subscription["status"] == "trialing"
    amount = 0 if trial else amount_of(price, quantity)
    name = work.read("product", price["product"])["name"]
    return {
        "id": work.new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": f"Trial period for {name}" if trial else _description(name, price, quantity),
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": copied(subscription["metadata"]),
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"end": item["current_period_end"], "start": item["current_period_start"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": "0" if trial else price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": subscription["id"],
        "subtotal": amount,
        "taxes": [],
    }


def _description(name: str, price: Obj, quantity: int) -> str:
    recurring = price["recurring"]
    count = recurring["interval_count"]
    every = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
    return f"{quantity} × {name} (at {formatted(amount_of(price, 1), price['currency'])} / {every})"
