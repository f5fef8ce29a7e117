"""Rows as the mirror would have written them: what the pages read, without a trip through Stripe."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from portal import config
from portal.ids import uuid7
from portal.models import (
    ApiKey,
    Cancellation,
    Checkout,
    CollectionAttempt,
    Coupon,
    CouponRedemption,
    CreditNote,
    Customer,
    Invoice,
    InvoiceDocument,
    InvoiceLine,
    MethodSetup,
    Payment,
    PaymentMethod,
    PlanChange,
    PlanPrice,
    Standing,
    Subscription,
    UsageCharge,
    UsageEvent,
    UsageKey,
    UsagePeriod,
    UsageRollup,
    UsageSource,
    UsageSourceLink,
    UsageUnique,
)
from portal.security.principal import hash_token
from tests.support.steps import bring

NOW = datetime.now(UTC).replace(microsecond=0)
VAT = {"name": "VAT", "percent": "19.0", "is_inclusive": False, "taxable_minor": 2900, "amount_minor": 551}


@contextmanager
def written(settings: config.Settings) -> Iterator[Session]:
    """A session of the test server's superuser, committed at the end: row-level security does not bind it."""
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool)
    with Session(engine, expire_on_commit=False) as session:
        yield session
        session.commit()


def price(session: Session, plan_id: str, interval: str = "month") -> PlanPrice:
    """The published price of a shipped plan."""
    query = select(PlanPrice).where(PlanPrice.plan_id == plan_id, PlanPrice.interval == interval)
    return session.scalars(query).one()


def subscription(
    session: Session, tenant_id: UUID, plan_id: str = "starter", interval: str = "month", **values: Any
) -> Subscription:
    """A running subscription, renewed ten days ago; ``values`` override its columns."""
    bought = price(session, plan_id, interval)
    length = timedelta(days=365 if interval == "year" else 30)
    row = Subscription(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "stripe_subscription_id": f"sub_{uuid7().hex}",
        "plan_id": plan_id,
        "plan_price_id": bought.id,
        "status": "active",
        "currency": bought.currency,
        "unit_amount_minor": bought.unit_amount_minor,
        "interval": interval,
        "current_period_start": NOW - timedelta(days=10),
        "current_period_end": NOW - timedelta(days=10) + length,
        "started_at": NOW - timedelta(days=10),
        **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    return row


def invoice(session: Session, tenant_id: UUID, number: str, age_days: int = 10, **values: Any) -> Invoice:
    """A paid invoice of $29.00 plus 19 % tax with one line, its payment and a document that is ready."""
    issued = NOW - timedelta(days=age_days)
    is_paid = values.get("status", "paid") == "paid"
    row = Invoice(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "stripe_invoice_id": f"in_{uuid7().hex}",
        "number": number,
        "status": "paid",
        "currency": "usd",
        "subtotal_minor": 2900,
        "tax_minor": 551,
        "total_minor": 3451,
        "amount_due_minor": 3451,
        "amount_paid_minor": 3451 if is_paid else 0,
        "amount_remaining_minor": 0 if is_paid else 3451,
        "taxes": [VAT],
        "issued_at": issued,
        "paid_at": issued if is_paid else None,
        "created_at": issued,
        "document_state": "ready",
        **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    _line(session, row, issued)
    _payment(session, row, issued, is_paid)
    return row


def document(
    session: Session, of: Invoice, content: bytes = b"%PDF-1.7 test", kind: str = "invoice", **about: UUID
) -> InvoiceDocument:
    """The frozen document of the invoice, or of what ``credit_note_id`` or ``payment_id`` says."""
    row = InvoiceDocument(
        tenant_id=of.tenant_id,
        id=uuid7(),
        invoice_id=of.id,
        kind=kind,
        **about,
        template_version="1",
        language="en",
        snapshot={},
        content=content,
        sha256=hashlib.sha256(content).digest(),
    )
    session.add(row)
    session.flush()
    return row


def credit_note(session: Session, of: Invoice, **values: Any) -> CreditNote:
    """A credit note of a part of an invoice, back to the card; with its document."""
    amount = values.pop("total_minor", 1000)
    row = CreditNote(**{
        "tenant_id": of.tenant_id,
        "id": uuid7(),
        "invoice_id": of.id,
        "stripe_credit_note_id": f"cn_{uuid7().hex}",
        "number": f"{of.number}-CN-01",
        "status": "issued",
        "currency": of.currency,
        "subtotal_minor": amount,
        "discount_minor": 0,
        "tax_minor": 0,
        "total_minor": amount,
        "lowered_minor": 0,
        "refunded_minor": amount,
        "balance_minor": 0,
        "out_of_band_minor": 0,
        "lines": [],
        "issued_at": of.issued_at,
        "document_state": "ready",
        **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    return row


def checkout(session: Session, tenant_id: UUID, state: str = "open", **values: Any) -> Checkout:
    """A checkout of the Starter plan in one of its states, with the customer row that precedes it."""
    session.merge(Customer(tenant_id=tenant_id))
    row = Checkout(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "plan_id": "starter",
        "plan_price_id": price(session, "starter").id,
        "stripe_session_id": f"cs_test_{uuid7().hex}",
        "url": "https://checkout.stripe.com/c/pay/cs_test" if state == "open" else None,
        **values,
    })  # fmt: skip
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def coupon(session: Session, code: str = "SAVE20", **values: Any) -> Coupon:
    """A published coupon of 20 % off one invoice; ``values`` override its columns."""
    terms = {"percent_off": None if "amounts_off" in values else Decimal(20), "duration": "once"}
    known = {"id": uuid7(), "code": code, "name": code.title(), "stripe_coupon_id": f"coupon_{uuid7().hex}"}
    row = Coupon(**{**known, **terms, **values})
    session.add(row)
    session.flush()
    return row


def redemption(
    session: Session, of: Coupon, used_for: Checkout | Subscription, state: str = "redeemed"
) -> CouponRedemption:
    """The coupon's use for a checkout or on a subscription of the Starter plan."""
    column = "checkout_id" if isinstance(used_for, Checkout) else "subscription_id"
    row = CouponRedemption(**{
        "tenant_id": used_for.tenant_id,
        "id": uuid7(),
        "coupon_id": of.id,
        column: used_for.id,
        "plan_id": "starter",
        "currency": "usd",
        "amount_minor": 2900,
        "saving_minor": 580,
        "redeemed_at": NOW if state == "redeemed" else None,
    })  # fmt: skip
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def method(session: Session, tenant_id: UUID, **values: Any) -> PaymentMethod:
    """A Visa ending in 4242 that is good for years, with the customer row that precedes it."""
    session.merge(Customer(tenant_id=tenant_id))
    row = PaymentMethod(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "stripe_payment_method_id": f"pm_{uuid7().hex}",
        "type": "card",
        "brand": "visa",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": NOW.year + 3,
        **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    return row


def method_setup(session: Session, tenant_id: UUID, state: str = "open", **values: Any) -> MethodSetup:
    """A payment method being added, in one of its states."""
    session.merge(Customer(tenant_id=tenant_id))
    row = MethodSetup(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "currency": "usd",
        "stripe_session_id": f"cs_test_{uuid7().hex}",
        "url": "https://checkout.stripe.com/c/pay/cs_test" if state == "open" else None,
        **values,
    })  # fmt: skip
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def api_key(session: Session, tenant_id: UUID, token: str = "", **values: Any) -> ApiKey:
    """A key that may do everything; ``token`` makes it one that works."""
    row = ApiKey(**{
        "tenant_id": tenant_id, "id": uuid7(), "name": "a server", "shown": token[:12] or "bp_test_Zanz",
        "token_hash": hash_token(token or uuid7().hex), "scopes": ["usage:read", "usage:write"], **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    return row


def overdue(session: Session, tenant_id: UUID, number: str = "DUE-1", days: int = 1, **values: Any) -> Invoice:
    """An invoice whose payment failed some days ago, for want of money."""
    return invoice(session, tenant_id, number, **{
        "status": "open",
        "payment_state": "failed",
        "failure_code": "insufficient_funds",
        "attempt_count": 1,
        "overdue_since": NOW - timedelta(days=days),
        "next_payment_attempt_at": NOW + timedelta(days=1),
        "hosted_invoice_url": "https://invoice.stripe.com/i/test",
        **values,
    })  # fmt: skip


def attempt(session: Session, of: Invoice, by: PaymentMethod, state: str, **values: Any) -> CollectionAttempt:
    """A try to pay an invoice by hand, in one of its states."""
    row = CollectionAttempt(**{
        "tenant_id": of.tenant_id,
        "id": uuid7(),
        "invoice_id": of.id,
        "payment_method_id": by.id,
        "source": "hand",
        "automatic_number": 1,
        "amount_minor": of.amount_remaining_minor,
        "currency": of.currency,
        **values,
    })  # fmt: skip
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def usage_charge(session: Session, tenant_id: UUID, event_id: str = "evt-1", **values: Any) -> UsageCharge:
    """What a month of the tenant's newest subscription cost beyond 10,000 calls, with one event behind it."""
    newest = select(Subscription).where(Subscription.tenant_id == tenant_id).order_by(Subscription.created_at.desc())
    subscription = session.scalars(newest.limit(1)).one()
    terms = {"subscription_id": subscription.id, "plan_id": subscription.plan_id, "currency": subscription.currency}
    period = UsagePeriod(
        tenant_id=tenant_id, id=uuid7(), starts_at=NOW - timedelta(days=62), ends_at=NOW - timedelta(days=31),
        timezone="UTC", closed_at=NOW, **terms,
    )  # fmt: skip
    session.add(period)
    session.flush()
    counted = {"resource_type": "api_calls", "source": "gateway", "quantity": Decimal("12345.5")}
    at = {"tenant_id": tenant_id, "period_id": period.id}
    event = UsageEvent(id=uuid7(), recorded_at=NOW, counted_at=period.starts_at, event_id=event_id, **at, **counted)
    session.add(event)
    session.add(UsageKey(tenant_id=tenant_id, event_id=event_id, body_hash=b"\0" * 32, id=event.id))
    row = UsageCharge(**{
        **at, **terms, "id": uuid7(), "resource_type": "api_calls", "number": 1, "quantity": Decimal("12345.5"),
        "included": Decimal(10_000), "beyond": Decimal("2345.5"), "units": Decimal(3), "before_minor": 0,
        "parts": [{"from_units": "0", "to_units": "3", "unit_amount_decimal": "20", "flat_amount": 0}],
        "amount_minor": 60, **values,
    })  # fmt: skip
    session.add(row)
    session.flush()
    for grain in ("hour", "day", "period"):
        session.add(UsageRollup(
            **at, resource_type="api_calls", grain=grain, bucket_at=period.starts_at, source="gateway", slot=0,
            total=row.quantity, events=1, highest=row.quantity, latest=row.quantity, latest_at=period.starts_at,
        ))  # fmt: skip
    return row


def usage_unique(session: Session, charge: UsageCharge, value: str) -> UsageUnique:
    """A value that the charge's period saw."""
    period = session.get_one(UsagePeriod, (charge.tenant_id, charge.period_id))
    row = UsageUnique(
        tenant_id=charge.tenant_id, period_id=period.id, resource_type=charge.resource_type, grain="period",
        bucket_at=period.starts_at, value=value,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def standing(session: Session, tenant_id: UUID, state: str, days: int) -> Standing:
    """Where a tenant stands whose invoice is overdue for so many days."""
    row = Standing(tenant_id=tenant_id, id=uuid7(), since=NOW, overdue_since=NOW - timedelta(days=days))
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def cancellation(session: Session, tenant_id: UUID, state: str = "undone", **values: Any) -> Cancellation:
    """A cancellation of the tenant's newest subscription, in one of its states."""
    newest = select(Subscription).where(Subscription.tenant_id == tenant_id).order_by(Subscription.id.desc())
    of = session.scalars(newest).first()
    assert of is not None
    row = Cancellation(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "subscription_id": of.id,
        "stripe_subscription_id": of.stripe_subscription_id,
        "currency": of.currency,
        "ends_at": of.current_period_end,
        **values,
    })  # fmt: skip
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def plan_change(session: Session, tenant_id: UUID, state: str = "quoted", **values: Any) -> PlanChange:
    """A change of the tenant's subscription to Professional, as it was quoted; its figures are made up."""
    held = session.scalars(select(Subscription).where(Subscription.tenant_id == tenant_id)).first()
    held = held or subscription(session, tenant_id)
    wanted = price(session, values.get("plan_id", "professional"))
    figures = {"today": None, "next": {"lines": [], "totals": [9900, 9900, 9900, 0]}}
    amounts = dict.fromkeys(("subtotal_minor", "total_minor", "amount_due_minor"), 9900)
    following = {"lines": [], "discounts": [], "taxes": [], **amounts}
    row = PlanChange(**{
        "tenant_id": tenant_id,
        "id": uuid7(),
        "subscription_id": held.id,
        "stripe_item_id": f"si_{uuid7().hex}",
        "from_plan_id": held.plan_id,
        "from_plan_price_id": held.plan_price_id,
        "from_quantity": held.quantity,
        "plan_id": wanted.plan_id,
        "plan_price_id": wanted.id,
        "quantity": 1,
        "direction": "upgrade",
        "timing": "now",
        "effective_at": NOW,
        "proration_at": NOW,
        "currency": held.currency,
        "due_minor": 4667,
        "next_minor": 9900,
        "next_at": NOW + timedelta(days=20),
        "quote": {"today": None, "next": following, "figures": figures, "whole": [0, 1],
                  "trial": {"end": None, "without_method": ""}},
        "expires_at": datetime.now(UTC) + timedelta(minutes=15),
        **values,
    })  # fmt: skip
    bring(session, row, state)
    session.add(row)
    session.flush()
    return row


def _line(session: Session, of: Invoice, start: datetime) -> None:
    session.add(
        InvoiceLine(
            tenant_id=of.tenant_id,
            id=uuid7(),
            invoice_id=of.id,
            stripe_line_id=f"il_{of.number}",
            position=0,
            description="1 × Starter (at $29.00 / month)",
            quantity=Decimal(1),
            unit_amount=Decimal(2900),
            amount_minor=2900,
            tax_minor=551,
            period_start=start,
            period_end=start + timedelta(days=30),
        )
    )


def _payment(session: Session, of: Invoice, at: datetime, is_paid: bool) -> None:
    session.add(
        Payment(
            tenant_id=of.tenant_id,
            id=uuid7(),
            invoice_id=of.id,
            stripe_invoice_payment_id=f"inpay_{of.number}_{of.id.hex}",
            stripe_payment_intent_id=f"pi_{of.id.hex}",
            status="paid" if is_paid else "open",
            amount_minor=of.total_minor,
            currency=of.currency,
            method_type="card",
            method_brand="visa",
            method_last4="4242",
            paid_at=at if is_paid else None,
            created_at=at,
        )
    )


def source(session: Session, **values: Any) -> UsageSource:
    """A NetBox that answers nobody; its kept secret opens nothing."""
    given = {"id": uuid7(), "kind": "netbox", "name": f"NetBox {uuid7().hex[-8:]}", "base_url": "http://127.0.0.1:1"}
    row = UsageSource(**{**given, "secret": "kept", **values})
    session.add(row)
    session.flush()
    return row


def source_link(session: Session, tenant_id: UUID, at: UsageSource | None = None, **values: Any) -> UsageSourceLink:
    """A link that was measured an hour ago."""
    at = at or source(session)
    given = {
        "source_id": at.id, "kind": at.kind, "external_id": "1", "external_name": "Acme (acme)",
        "counts_from": NOW.date(), "sampled_at": NOW - timedelta(hours=1), "figures": {"netbox_devices": "5"},
    }  # fmt: skip
    row = UsageSourceLink(**{"tenant_id": tenant_id, "id": uuid7(), **given, **values})
    session.add(row)
    session.flush()
    return row
