"""Getting an open invoice paid beside Stripe's own schedule: "Pay now" by hand, and the backup method.

Stripe counts the automatic tries; ours are rows of their own, so that neither uses up the other.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func as sql
from sqlalchemy import select

from portal import clock, lookups, steps
from portal.billing import collection_works, leased, payment_methods
from portal.errors import Conflict
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.models import CollectionAttempt, Invoice, PaymentMethod, PolicySettings
from portal.outbox import Work, stage_leased
from portal.security import audit

HOUR = timedelta(hours=1)


class NothingToPay(Conflict):
    code = "nothing_to_pay"
    message = "This invoice has nothing left to pay."
    remedy = "Nothing was charged."


class PaymentUnderWay(Conflict):
    """A bank works on a payment of the invoice: a second one would take the money twice."""

    code = "payment_under_way"
    message = "A payment of this invoice is still on its way."
    remedy = "Nothing more was charged. Bank payments take a few banking days."


class AmountMoved(Conflict):
    """The invoice is not what the page showed."""

    code = "amount_moved"
    message = "The amount of this invoice has changed."
    remedy = "Nothing was charged. Look at the new amount, then pay."


class TooManyTries(Conflict):
    """Banks take many tries in a row for fraud, and decline what they would have paid."""

    code = "too_many_tries"
    status = 429
    message = "This invoice was tried too often in the last hour."
    remedy = "Nothing was charged. Please wait an hour, or ask your bank why it declines."


@dataclass(frozen=True)
class Tries:
    """How often an invoice was tried: by Stripe's schedule, by hand, with the backup. ``left``: by hand, this hour."""

    automatic: int
    by_hand: int
    backup: int
    left: int


def pay(
    invoice_id: UUID, method_id: UUID, *, makes_default: bool, expected_minor: int | None, actor: UUID
) -> CollectionAttempt:
    """Charge what is open of an invoice to one of the tenant's methods now; returns the try and how it went.

    ``expected_minor``: what the person was shown, in minor units of the invoice's currency; another amount is
    refused. ``makes_default``: use the method from then on, if it pays. A decline is a state of the try, not an
    error. A second call while a try is under way returns that one.
    Raises :class:`portal.errors.NotFound`, :class:`NothingToPay`, :class:`PaymentUnderWay`, :class:`TooManyTries`,
    :class:`AmountMoved`, :class:`portal.gateway.account.MoneyStopped`,
    :class:`portal.billing.leased.StillWorking`, :class:`portal.gateway.errors.StripeFailure` when it is unknown.
    """
    require_money_allowed()
    invoice_of(invoice_id)  # first: a tenant that never had one has no row to lock
    locked()
    method = payment_methods.get(method_id)
    invoice = db.session.scalars(
        select(Invoice).where(Invoice.id == invoice_id).execution_options(populate_existing=True)
    ).one()
    if (started := _started(invoice)) is not None:
        db.session.commit()
        return started
    _refuse(invoice, expected_minor)
    attempt, work = _begin(invoice, method, makes_default, actor)
    db.session.commit()
    leased.do_now(work, collection_works.collect)
    return get(attempt.id)


def invoice_of(invoice_id: UUID) -> Invoice:
    """The bound tenant's issued invoice. Raises :class:`portal.errors.NotFound`."""
    return lookups.one(select(Invoice).where(Invoice.id == invoice_id, Invoice.status != "draft"))


def get(attempt_id: UUID) -> CollectionAttempt:
    """One try of the bound tenant, as it is now. Raises :class:`portal.errors.NotFound`."""
    wanted = select(CollectionAttempt).where(CollectionAttempt.id == attempt_id)
    return lookups.one(wanted.execution_options(populate_existing=True))


def method_of(attempt: CollectionAttempt) -> PaymentMethod:
    """What a try was made with, also when it is no longer there."""
    return db.session.scalars(select(PaymentMethod).where(PaymentMethod.id == attempt.payment_method_id)).one()


def tries(invoice: Invoice) -> Tries:
    """How often the invoice was tried, each kind counted apart."""
    counted = (
        select(CollectionAttempt.source, sql.count())
        .where(CollectionAttempt.invoice_id == invoice.id)
        .group_by(CollectionAttempt.source)
    )
    by_source: dict[str, int] = {row[0]: row[1] for row in db.session.execute(counted)}
    return Tries(
        automatic=invoice.attempt_count,
        by_hand=by_source.get("hand", 0),
        backup=by_source.get("backup", 0),
        left=max(0, _allowed_by_hand() - _by_hand_lately(invoice)),
    )


def _started(invoice: Invoice) -> CollectionAttempt | None:
    wanted = CollectionAttempt.invoice_id == invoice.id, CollectionAttempt.state == "started"
    return db.session.scalars(select(CollectionAttempt).where(*wanted)).first()


def _refuse(invoice: Invoice, expected_minor: int | None) -> None:
    error: type[Conflict] | None = None
    if invoice.status not in ("open", "uncollectible") or invoice.amount_remaining_minor <= 0:
        error = NothingToPay
    elif invoice.payment_state == "processing":
        error = PaymentUnderWay
    elif expected_minor is not None and expected_minor != invoice.amount_remaining_minor:
        error = AmountMoved
    elif _by_hand_lately(invoice) >= _allowed_by_hand():
        error = TooManyTries
    if error is not None:
        db.session.rollback()
        raise error


def _by_hand_lately(invoice: Invoice) -> int:
    lately = (
        CollectionAttempt.invoice_id == invoice.id,
        CollectionAttempt.source == "hand",
        CollectionAttempt.created_at > clock.now() - HOUR,
    )
    return db.session.scalar(select(sql.count()).select_from(CollectionAttempt).where(*lately)) or 0


def _allowed_by_hand() -> int:
    return db.session.scalars(select(PolicySettings.tries_by_hand_per_hour)).one()


def _begin(invoice: Invoice, method: PaymentMethod, makes_default: bool, actor: UUID) -> tuple[CollectionAttempt, Work]:
    """Write the intent down: the try, and the work that this request means to do itself."""
    attempt = CollectionAttempt(
        tenant_id=invoice.tenant_id,
        id=uuid7(),
        invoice_id=invoice.id,
        payment_method_id=method.id,
        source="hand",
        automatic_number=invoice.attempt_count,
        makes_default=makes_default,
        amount_minor=invoice.amount_remaining_minor,
        currency=invoice.currency,
        started_by=actor,
    )
    steps.begin(attempt, "started")
    db.session.add(attempt)
    db.session.flush()
    after = {"invoice": str(invoice.id), "amount_minor": attempt.amount_minor, "currency": attempt.currency}
    audit.record("invoice.pay", "collection_attempt", str(attempt.id), after=after, actor=actor)
    work = stage_leased(
        "invoice.collect",
        f"invoice.collect:{attempt.id}",
        tenant_id=invoice.tenant_id,
        payload={"attempt_id": str(attempt.id)},
        seconds=leased.SECONDS,
    )
    return attempt, work
