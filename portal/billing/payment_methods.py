"""The tenant's payment methods: which are there, which is charged, which comes second, taking one away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import func as sql
from sqlalchemy import select

from portal import business_time, clock, lookups, tenancy
from portal.billing import leased, method_works
from portal.billing.customers import ensure_row
from portal.billing.subscriptions import live_subscription
from portal.errors import Conflict
from portal.extensions import db
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.models import Customer, Invoice, PaymentMethod, Subscription
from portal.notices.notify import notify
from portal.outbox import stage_leased
from portal.security import audit

Expiry = Literal["", "expired", "this_month", "next_month"]


class LastMethod(Conflict):
    """The only method of a tenant that still has something to pay."""

    code = "last_payment_method"
    message = "This is your only payment method, and your plan needs one."
    remedy = "Add another one first. Then you can remove this one."


class MethodInUse(Conflict):
    """The method that would be charged next: it is removed once another one takes its place."""

    code = "payment_method_in_use"
    message = "This payment method is the one that we charge."
    remedy = "Make another one the default first. Then you can remove this one."


class AlreadyDefault(Conflict):
    code = "already_default"
    message = "This payment method is the default already."
    remedy = "Choose another one as the backup."


@dataclass(frozen=True)
class Listed:
    """A method as the page shows it. ``expiry``: "" for one that is good for longer, or never ends."""

    method: PaymentMethod
    is_default: bool
    is_backup: bool
    expiry: Expiry
    can_remove: bool


def listed() -> list[Listed]:
    """The bound tenant's methods: the one that is charged, the backup, then the newest."""
    rows = _attached()
    customer = db.session.get(Customer, tenancy.require_tenant())
    default, backup = default_id(), customer.backup_payment_method if customer else None
    needed, now = is_needed(), business_time.now()
    found = [
        Listed(
            method=row,
            is_default=row.stripe_payment_method_id == default,
            is_backup=row.stripe_payment_method_id == backup,
            expiry=expiry_of(row, now),
            can_remove=not needed or (len(rows) > 1 and row.stripe_payment_method_id != default),
        )
        for row in rows
    ]
    return sorted(found, key=lambda entry: (not entry.is_default, not entry.is_backup))


def get(method_id: UUID) -> PaymentMethod:
    """One of the bound tenant's methods that is still there. Raises :class:`portal.errors.NotFound`."""
    return lookups.one(select(PaymentMethod).where(PaymentMethod.id == method_id, PaymentMethod.detached_at.is_(None)))


def default_id() -> str | None:
    """Stripe's id of the method that would be charged now: the subscription's own, else the customer's.

    What was just asked for is shown until the subscription has been read again.
    """
    live = live_subscription()
    customer = db.session.get(Customer, tenancy.require_tenant())
    asked_at = customer.default_requested_at if customer else None
    if customer and customer.requested_payment_method and asked_at and (live is None or live.synced_at <= asked_at):
        return customer.requested_payment_method
    return (live.default_payment_method if live else None) or (customer.default_payment_method if customer else None)


def expiry_of(method: PaymentMethod, now: datetime) -> Expiry:
    """Whether a card has expired, or does so in this month or the next one. It is good to the end of its month."""
    if method.exp_year is None or method.exp_month is None:
        return ""
    months_left = (method.exp_year - now.year) * 12 + method.exp_month - now.month
    if months_left < 0:
        return "expired"
    return {0: "this_month", 1: "next_month"}.get(months_left, "")  # type: ignore[return-value]


def is_needed() -> bool:
    """Whether the tenant will or should pay something: a paid plan that goes on, or an open invoice."""
    live = live_subscription()
    if live is not None and live.amount_minor > 0 and not _ends(live):
        return True
    owed = Invoice.status == "open", Invoice.amount_remaining_minor > 0
    return bool(db.session.scalar(select(sql.count()).select_from(Invoice).where(*owed)))


def make_default(method_id: UUID, *, actor: UUID) -> PaymentMethod:
    """Have this method charged from now on, at the customer and at the running subscription, whose own goes first.

    What was the default becomes the backup when the backup becomes the default.
    Raises :class:`portal.errors.NotFound`, :class:`portal.billing.leased.StillWorking`,
    :class:`portal.gateway.errors.StripeFailure`.
    """
    method = get(method_id)
    ensure_row()
    customer = locked()
    before = default_id()
    customer.requested_payment_method = method.stripe_payment_method_id
    customer.default_requested_at = clock.now()
    if customer.backup_payment_method == method.stripe_payment_method_id:
        customer.backup_payment_method = before if before != method.stripe_payment_method_id else None
    audit.record("payment_method.request_default", "payment_method", str(method.id), actor=actor)
    work = stage_leased(
        "payment_method.default",
        f"payment_method.default:{uuid7()}",
        tenant_id=method.tenant_id,
        payload={"stripe_payment_method_id": method.stripe_payment_method_id},
        seconds=leased.SECONDS,
    )
    db.session.commit()
    leased.do_now(work, method_works.set_default)
    return method


def set_backup(method_id: UUID, *, actor: UUID) -> PaymentMethod:
    """Have this method charged once whenever an automatic try with the default one failed.

    Raises :class:`portal.errors.NotFound`, :class:`AlreadyDefault`.
    """
    method = get(method_id)
    ensure_row()
    customer = locked()
    if default_id() == method.stripe_payment_method_id:
        db.session.rollback()
        raise AlreadyDefault
    before, customer.backup_payment_method = customer.backup_payment_method, method.stripe_payment_method_id
    if before != method.stripe_payment_method_id:
        after = {"method": method.stripe_payment_method_id}
        audit.record("payment_method.backup", "payment_method", str(method.id), after=after, actor=actor)
        notify("payment_method_changed", str(method.id), step=f"backup:{uuid7()}", params={"change": "backup"})
    db.session.commit()
    return method


def drop_backup(*, actor: UUID) -> None:
    """Have no second method charged any more."""
    ensure_row()
    customer = locked()
    before, customer.backup_payment_method = customer.backup_payment_method, None
    if before is not None:
        audit.record("payment_method.drop_backup", "payment_method", before, actor=actor)
    db.session.commit()


def remove(method_id: UUID, *, actor: UUID) -> None:
    """Take a method away, here and at Stripe.

    Raises :class:`portal.errors.NotFound`, :class:`LastMethod` and :class:`MethodInUse` while it is needed,
    :class:`portal.billing.leased.StillWorking`, :class:`portal.gateway.errors.StripeFailure`.
    """
    get(method_id)  # first: a tenant that never had one has no row to lock
    locked()
    method = get(method_id)
    if is_needed() and (len(_attached()) == 1 or default_id() == method.stripe_payment_method_id):
        is_last = len(_attached()) == 1
        db.session.rollback()
        raise LastMethod if is_last else MethodInUse
    audit.record("payment_method.request_removal", "payment_method", str(method.id), actor=actor)
    work = stage_leased(
        "payment_method.remove",
        f"payment_method.remove:{uuid7()}",
        tenant_id=method.tenant_id,
        payload={"method_id": str(method.id)},
        seconds=leased.SECONDS,
    )
    db.session.commit()
    leased.do_now(work, method_works.detach)


def _attached() -> list[PaymentMethod]:
    wanted = select(PaymentMethod).where(PaymentMethod.detached_at.is_(None))
    return list(db.session.scalars(wanted.order_by(PaymentMethod.created_at.desc(), PaymentMethod.id.desc())))


def _ends(subscription: Subscription) -> bool:
    return subscription.cancel_at_period_end or subscription.cancel_at is not None
