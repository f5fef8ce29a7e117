"""What a credit note would do, by Stripe itself, before anybody agrees to it."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import select

from portal import lookups
from portal.billing import adjustment_works
from portal.billing.adjustments import Request
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.models import Adjustment, Invoice


@dataclass(frozen=True)
class Preview:
    """Amounts in minor units of ``currency``; ``seen`` is what the form brings back with the same wish."""

    currency: str
    total_minor: int
    tax_minor: int
    lowered_minor: int
    back_minor: int
    seen: str


def of(asked: Request) -> Preview:
    """Stripe's preview for the bound tenant's invoice. No transaction is open afterwards.

    Raises :class:`portal.errors.NotFound`, :class:`portal.gateway.errors.StripeFailure`: what Stripe refuses now, it
    would refuse then.
    """
    invoice = lookups.one(select(Invoice).where(Invoice.id == asked.invoice_id, Invoice.status != "draft"))
    row = Adjustment(amount_minor=asked.amount_minor, way=asked.way, reason_code=asked.reason_code, memo=asked.memo)
    params = adjustment_works.credit_note_params(row, invoice.stripe_invoice_id, invoice.amount_remaining_minor)
    currency = invoice.currency
    db.session.commit()
    params.pop("metadata", None)
    found = as_dict(gateway().read(lambda s: s.v1.credit_notes.preview(params)))
    return Preview(
        currency=currency,
        total_minor=found["total"],
        tax_minor=sum(tax["amount"] for tax in found["total_taxes"] or []),
        lowered_minor=found["pre_payment_amount"],
        back_minor=found["post_payment_amount"],
        seen=seen_of(asked),
    )


def is_seen(given: str | None, asked: Request) -> bool:
    """Whether the form was sent with the preview of this very wish; any other is looked at first."""
    return given == seen_of(asked)


def seen_of(asked: Request) -> str:
    """What stands for a wish in the form that was looked at."""
    parts = (asked.invoice_id, asked.amount_minor, asked.way, asked.reason_code, asked.memo)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
