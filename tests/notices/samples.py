"""Rows to be told about, written by the owner: mirrored tables are closed to the web role."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal.ids import uuid7
from portal.models import (
    BillingDetails,
    Invoice,
    InvoiceDocument,
    Membership,
    Payment,
    PlanPrice,
    Subscription,
    Tenant,
    User,
)

MOMENT = datetime(2026, 11, 3, 12, tzinfo=UTC)


@dataclass
class Company:
    """A tenant to try notices on."""

    session: Session
    tenant_id: UUID

    def member(self, email: str, role: str = "owner", **values: Any) -> UUID:
        """Add a member; ``language``, ``format_locale``, ``timezone``, ``disabled_at`` as wanted."""
        user = User(id=uuid7(), email=email, name=email, password_hash="!", **values)
        self.session.add(user)
        self.session.flush()
        self.session.add(Membership(tenant_id=self.tenant_id, user_id=user.id, role=role))
        self.session.commit()
        return user.id

    def subscription(self, plan_id: str = "starter", **values: Any) -> UUID:
        """A running subscription at 29.00 USD a month."""
        price = PlanPrice(id=uuid7(), plan_id=plan_id, interval="month", currency="usd", unit_amount_minor=2900)
        self.session.add(price)
        self.session.flush()
        given: dict[str, Any] = {
            "status": "active",
            "currency": "usd",
            "unit_amount_minor": 2900,
            "interval": "month",
            "current_period_end": datetime(2026, 12, 3, 12, tzinfo=UTC),
            **values,
        }
        row = Subscription(
            tenant_id=self.tenant_id, id=uuid7(), stripe_subscription_id="sub_1", plan_id=plan_id,
            plan_price_id=price.id, **given,
        )  # fmt: skip
        self.session.add(row)
        self.session.commit()
        return row.id

    def invoice(self, pdf: bytes | None = None, payment: dict[str, Any] | None = None, **values: Any) -> UUID:
        """An invoice over 29.00 USD, paid unless ``status`` says otherwise, with its document and a payment."""
        is_paid = values.get("status", "paid") == "paid"
        given: dict[str, Any] = {
            "number": "INV-0001",
            "status": "paid",
            "currency": "usd",
            "subtotal_minor": 2900,
            "total_minor": 2900,
            "amount_due_minor": 2900,
            "amount_paid_minor": 2900 if is_paid else 0,
            "amount_remaining_minor": 0 if is_paid else 2900,
            "issued_at": MOMENT,
            "paid_at": MOMENT if is_paid else None,
            "created_at": MOMENT,
            **values,
        }
        row = Invoice(tenant_id=self.tenant_id, id=uuid7(), stripe_invoice_id=f"in_{uuid7()}", **given)
        self.session.add(row)
        self.session.flush()
        self._add_document(row.id, pdf)
        self._add_payment(row.id, payment)
        self.session.commit()
        return row.id

    def _add_document(self, invoice_id: UUID, pdf: bytes | None) -> None:
        if pdf is not None:
            self.session.add(
                InvoiceDocument(
                    tenant_id=self.tenant_id, id=uuid7(), invoice_id=invoice_id, template_version="1", language="en",
                    snapshot={}, content=pdf, sha256=hashlib.sha256(pdf).digest(),
                )
            )  # fmt: skip

    def _add_payment(self, invoice_id: UUID, values: dict[str, Any] | None) -> None:
        if values is not None:
            given = {"status": "paid", "method_type": "card", "method_brand": "visa", "method_last4": "4242", **values}
            self.session.add(
                Payment(
                    tenant_id=self.tenant_id, id=uuid7(), invoice_id=invoice_id, stripe_invoice_payment_id="inpay_1",
                    amount_minor=2900, currency="usd", created_at=MOMENT, **given,
                )
            )  # fmt: skip


def company(session: Session, name: str = "Acme Corp", email: str = "billing@acme.example", **values: Any) -> Company:
    """A tenant whose contact address is ``email``; ``billing_email`` goes into its billing details."""
    billing_email = values.pop("billing_email", "")
    tenant = Tenant(id=uuid7(), name=name, slug=f"t-{uuid7()}", email=email, **values)
    session.add(tenant)
    session.flush()
    session.add(BillingDetails(tenant_id=tenant.id, email=billing_email))
    session.commit()
    return Company(session, tenant.id)
