"""The body of a new invoice: every key that the contract requires.

Shapes of the pinned version: `parent.subscription_details`, and no link to the payment but the invoice payments.
"""

from dataclasses import dataclass, field

from . import automatic_tax, invoice_totals, letterheads
from .fields import absent, list_object
from .invoice_order import in_order
from .periods import DAY
from .work import Obj, Work, copied


@dataclass(slots=True)
class Draft:
    """What a new invoice is made of. `finalizes_at` in UTC seconds; `terms` are fields to be set as they are.

    `lines` in any order, but those of pending items the oldest first; invoice_order.py has the invoice's.
    `pending`: ids of the invoice items whose lines are among them. `item_terms`: the `discounts` and `tax_rates` of
    the subscription's items, by item id; their lines get them when they are added up.
    """

    id: str
    customer: Obj
    currency: str
    reason: str
    lines: list[Obj]
    subscription: Obj | None = None
    period_start: int | None = None
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    auto_advance: bool = True
    finalizes_at: int | None = None
    terms: Obj = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    item_terms: Obj = field(default_factory=dict)


def invoice_body(work: Work, draft: Draft) -> Obj:
    """The draft invoice, amounts in minor units."""
    charged = draft.collection_method == "charge_automatically"
    days = draft.days_until_due
    invoice = {
        **_unused(),
        **letterheads.of(work, draft.customer),
        "id": draft.id,
        "object": "invoice",
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": draft.auto_advance,
        "automatic_tax": automatic_tax.shown(
            draft.subscription is not None and draft.subscription["automatic_tax"]["enabled"]
        ),
        "automatically_finalizes_at": draft.finalizes_at,
        "billing_reason": draft.reason,
        "collection_method": draft.collection_method,
        "created": work.now,
        "currency": draft.currency,
        "due_date": None if charged or days is None else work.now + days * DAY,
        "issuer": {"type": "self"},
        "lines": list_object(in_order(draft.lines, draft.subscription), f"/v1/invoices/{draft.id}/lines"),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": draft.finalizes_at if charged and draft.auto_advance else None,
        "parent": _parent(draft.subscription),
        "period_end": work.now,
        "period_start": work.now if draft.period_start is None else draft.period_start,
        "status": "draft",
        "status_transitions": absent("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at"),
        "test_clock": draft.customer["test_clock"],
        "webhooks_delivered_at": work.now,
        "_": {"days_until_due": days, "item_terms": draft.item_terms},
        **draft.terms,
    }
    invoice_totals.add_up(work, invoice)
    return invoice


def _parent(subscription: Obj | None) -> Obj | None:
    if subscription is None:
        return None
    return {
        "quote_details": None,
        "subscription_details": {
            "metadata": copied(subscription["metadata"]),
            "subscription": subscription["id"],
        },
        "type": "subscription_details",
    }


def _unused() -> Obj:
    """Required keys without a value yet: present, and null or empty."""
    return {
        **absent(
            "account_tax_ids", "application", "custom_fields", "default_payment_method", "default_source",
            "description", "effective_at", "ending_balance", "footer", "from_invoice", "hosted_invoice_url",
            "invoice_pdf", "last_finalization_error", "latest_revision", "number", "on_behalf_of",
            "receipt_number", "rendering", "shipping_cost", "shipping_details", "statement_descriptor",
        ),
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_shipping": 0,
        "default_tax_rates": [],
        "discounts": [],
        "payment_settings": absent("default_mandate", "payment_method_options", "payment_method_types"),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }  # fmt: skip
