"""The tenant at Stripe."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Minor, Model


class Customer(Model):
    """The tenant at Stripe. The row exists before the Stripe customer does.

    ``stripe_test_clock_id``: the test clock that the customer lives on, if any, and the time that it shows.
    ``default_payment_method`` is what Stripe charges, ``backup_payment_method`` what we charge when that failed,
    ``requested_payment_method`` the default that was asked for last: an older wish that comes late yields to it.
    """

    __tablename__ = "customers"

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    stripe_customer_id: Mapped[str | None]
    requested_at: Mapped[datetime | None]
    default_payment_method: Mapped[str | None]
    backup_payment_method: Mapped[str | None]
    requested_payment_method: Mapped[str | None]
    default_requested_at: Mapped[datetime | None]
    tax_exempt: Mapped[str] = mapped_column(server_default="none")
    balance_minor: Mapped[Minor] = mapped_column(server_default="0")
    stripe_test_clock_id: Mapped[str | None]
    test_clock_at: Mapped[datetime | None]
    trial_used_at: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
