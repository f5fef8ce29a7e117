"""The body of a new invoice and of its lines: every key that the contract requires.

Shapes of the pinned version: `parent.subscription_details`, lines with `pricing.price_details`, and
no link to the payment but the invoice payments.
"""

from .account import COUNTRY, NAME
from .fields import absent, list_object
from .money import formatted
from .prices import amount_of
from .work import Obj, Work, copied


def invoice_body(work: Work, subscription: Obj, invoice_id: str, reason: str) -> Obj:
    """A draft over the subscription's items for their current periods, amounts in minor units."""
    customer = work.read("customer", subscription["customer"])
    lines = [_line(work, invoice_id, subscription, item) for item in subscription["items"]["data"]]
    return {
        **_unused(),
        **_letterhead(customer),
        **_amounts(sum(line["amount"] for line in lines)),
        "id": invoice_id,
        "object": "invoice",
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": _automatic_tax(subscription),
        "billing_reason": reason,
        "collection_method": subscription["collection_method"],
        "created": work.now,
        "currency": subscription["currency"],
        "issuer": {"type": "self"},
        "lines": list_object(lines, f"/v1/invoices/{invoice_id}/lines"),
        "livemode": False,
        "metadata": {},
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": copied(subscription["metadata"]),
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        "period_end": work.now,
        "period_start": work.now,
        "status": "draft",
        "status_transitions": absent("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at"),
        "webhooks_delivered_at": work.now,
    }


def _unused() -> Obj:
    """Required keys without a value yet: present, and null or empty."""
    return {
        **absent(
            "account_tax_ids", "application", "automatically_finalizes_at", "custom_fields",
            "default_payment_method", "default_source", "description", "due_date", "effective_at", "footer",
            "from_invoice", "hosted_invoice_url", "invoice_pdf", "last_finalization_error",
            "latest_revision", "next_payment_attempt", "number", "on_behalf_of", "receipt_number",
            "rendering", "shipping_cost", "shipping_details", "statement_descriptor", "test_clock",
        ),
        "default_tax_rates": [],
        "discounts": [],
        "payment_settings": absent("default_mandate", "payment_method_options", "payment_method_types"),
    }  # fmt: skip


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
        "parent": _origin(subscription, item),
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


def _origin(subscription: Obj, item: Obj) -> Obj:
    """What the line bills: the subscription's item, in full."""
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": None,
            "proration": False,
            "proration_details": {"credited_items": None},
            "subscription": subscription["id"],
            "subscription_item": item["id"],
        },
        "type": "subscription_item_details",
    }


def _description(name: str, price: Obj, quantity: int) -> str:
    recurring = price["recurring"]
    count = recurring["interval_count"]
    every = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
    return f"{quantity} × {name} (at {formatted(amount_of(price, 1), price['currency'])} / {every})"
