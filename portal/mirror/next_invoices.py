"""The next charge of a subscription as Stripe foretells it, kept beside it: no page waits for Stripe to compute it."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from portal import clock
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.errors import StripeMissing, StripeRefused
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.mirror.invoice_lines import plan_names
from portal.mirror.invoices import discounts_of
from portal.mirror.line_explanations import price_of
from portal.models import Subscription
from portal.outbox import Work, finish, stage

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import InvoiceCreatePreviewParams

KIND = "subscription.preview"
_NONE_COMES = "invoice_upcoming_none"
_EXPAND = ["discounts.source.coupon"]


def follow(row: Subscription, resource: dict[str, Any]) -> None:
    """Owe a new look at the next invoice when the subscription is no longer what it was looked at for.

    In the applying transaction. One that is over, or that another one takes the place of, has no next invoice.
    """
    if not row.is_live:
        row.next_invoice, row.next_invoice_for = None, ""
        return
    seen = _shape(row, resource)
    if row.next_invoice_for != seen:
        row.next_invoice_for = seen
        _owe(row, seen)


def look_again(row: Subscription) -> None:
    """Owe a new look at the next invoice in the current transaction: Stripe has said another amount since."""
    _owe(row, row.next_invoice_for)


def _owe(row: Subscription, seen: str) -> None:
    payload = {"stripe_subscription_id": row.stripe_subscription_id, "for": seen}
    stage(KIND, f"{KIND}:{uuid7()}", tenant_id=row.tenant_id, payload=payload)


def refresh(work: Work) -> None:
    """Outbox work: ask Stripe for the next invoice and keep it. Payload: ``stripe_subscription_id``, ``for``.

    What has changed since has its own look. Raises :class:`portal.gateway.errors.PaymentServiceUnavailable`.
    """
    row = _row(work)
    subscription_id, is_paused, is_live = row.stripe_subscription_id, row.status == "paused", row.is_live
    db.session.commit()
    found = foretold(subscription_id, is_paused=is_paused) if is_live else None
    locked()
    row = _row(work)
    if row.next_invoice_for == work.payload["for"]:
        row.next_invoice = None if found is None else _kept(found)
    finish(work)
    db.session.commit()


def _shape(row: Subscription, resource: dict[str, Any]) -> str:
    """What the next invoice hangs on, as far as the subscription shows it."""
    discounts = ",".join(str(_id(each)) for each in resource["discounts"])
    parts = (
        row.status, row.plan_price_id, row.unit_amount_minor, row.quantity, row.current_period_end, row.trial_end,
        row.cancel_at, row.cancel_at_period_end, row.latest_stripe_invoice_id, discounts, resource.get("schedule"),
        (resource.get("pending_update") or {}).get("expires_at"),
    )  # fmt: skip
    return "|".join("" if part is None else str(part) for part in parts)


def _id(expandable: Any) -> Any:
    return expandable["id"] if isinstance(expandable, dict) else expandable


def foretold(subscription_id: str, *, is_paused: bool) -> dict[str, Any] | None:
    """Stripe's preview of the next invoice; of a paused one, of going on now. ``None`` when nothing will be charged.

    Raises :class:`portal.gateway.errors.StripeFailure`.
    """
    params: InvoiceCreatePreviewParams = {"subscription": subscription_id, "expand": _EXPAND}
    if is_paused:
        params["subscription_details"] = {"resume_at": "now", "billing_cycle_anchor": {"type": "now"}}
    try:
        return as_dict(gateway().read(lambda s: s.v1.invoices.create_preview(params)))
    except StripeMissing:
        return None
    except StripeRefused as error:
        if error.params.get("stripe_code") == _NONE_COMES:
            return None
        raise


def _row(work: Work) -> Subscription:
    wanted = Subscription.stripe_subscription_id == str(work.payload["stripe_subscription_id"])
    return db.session.scalars(select(Subscription).where(wanted).execution_options(populate_existing=True)).one()


def _kept(resource: dict[str, Any]) -> dict[str, Any]:
    """What the overview says of it; amounts in minor units, ``amount_due_minor`` after the balance."""
    lines = resource["lines"]["data"]
    names = plan_names([price for line in lines if (price := price_of(line))])
    return {
        "currency": resource["currency"],
        "subtotal_minor": resource["subtotal"],
        "total_minor": resource["total"],
        "amount_due_minor": resource["amount_due"],
        "tax_minor": sum(entry["amount"] for entry in resource["total_taxes"] or []),
        "discounts": discounts_of(resource),
        "balance_minor": resource["amount_due"] - resource["total"],
        "asked_at": clock.now().isoformat(),
        "lines": [
            {
                "price": price_of(line),
                "is_proration": bool(_details(line).get("proration")),
                "description": names.get(price_of(line) or "") or line["description"] or "",
                "amount_minor": line["amount"],
            }
            for line in lines
        ],
    }


def _details(line: dict[str, Any]) -> dict[str, Any]:
    parent = line["parent"] or {}
    found: dict[str, Any] = parent.get(str(parent.get("type"))) or {}
    return found
