"""Taxes: the rates that staff entered, and who is exempt."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Model, TenantOwned, Timestamped

TAXED_CUSTOMERS = ("all", "with_tax_id", "without_tax_id")


class TaxRate(Timestamped, Model):
    """A tax of a country, for all customers there or for those with, or without, a tax id.

    Never edited, as at Stripe: it is retired, and another one takes its place. ``percentage`` has up to four decimals;
    ``inclusive``: prices contain it.
    """

    __tablename__ = "tax_rates"
    __table_args__ = (
        CheckConstraint("customers IN ('all', 'with_tax_id', 'without_tax_id')", name="customers"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("percentage BETWEEN 0 AND 100", name="percentage"),
        CheckConstraint("length(btrim(name)) BETWEEN 1 AND 50", name="name"),
        Index(
            "tax_rates_current_idx", "country", "customers", unique=True, postgresql_where=text("retired_at IS NULL")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    country: Mapped[str]
    customers: Mapped[str] = mapped_column(server_default="all")
    name: Mapped[str]
    percentage: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    inclusive: Mapped[bool] = mapped_column(server_default="false")
    stripe_tax_rate_id: Mapped[str]
    retired_at: Mapped[datetime | None]


class TaxExemption(TenantOwned, Timestamped, Model):
    """That a tenant pays no tax, with staff's reason (a certificate's number, a statute); one at a time."""

    __tablename__ = "tax_exemptions"
    __table_args__ = (
        CheckConstraint("length(btrim(reason)) BETWEEN 3 AND 500", name="reason"),
        Index("tax_exemptions_current_idx", "tenant_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    reason: Mapped[str]
    granted_by: Mapped[UUID]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None]
