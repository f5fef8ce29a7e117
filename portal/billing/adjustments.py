"""Putting money right: refunds, credit notes, credits and debits on the account, write-offs, payments elsewhere.

Staff ask for an act with a reason; above a limit a second person decides; Stripe carries it out. Every verb runs bound
to the tenant and to the person, under the tenant's lock, so that two who act at once cannot give back more than there
is.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select

from portal import clock, lookups, steps, tenancy
from portal.billing import adjustment_limits, adjustment_works, customers, leased
from portal.billing.adjustment_errors import (
    AlreadyBeingSettled,
    DisputedPayment,
    NothingLeft,
    NotOpen,
    NotYourDecision,
    OwnRequest,
    ReasonMissing,
    SentFromAnOldPage,
    TooMuch,
)
from portal.errors import NotFound
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.models import Adjustment, Invoice, PolicySettings
from portal.money import Amount, to_decimal
from portal.notices import staff_alerts
from portal.outbox import stage_leased
from portal.security import audit

MIN_REASON, MAX_REASON, MAX_MEMO = 3, 1000, 500


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asks for. Amounts in minor units of the invoice's, or the tenant's, currency.

    ``payment_id`` names what a refund gives back, ``way`` how a credit note of a paid invoice does. ``currency`` is
    needed only without an invoice. ``memo`` is for the customer's eyes, ``reason`` for the audit. The same
    ``attempt`` is done once, however often it is sent.
    """

    kind: str
    amount_minor: int
    reason: str
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    way: str = ""
    reason_code: str = ""
    memo: str = ""
    currency: str = ""
    attempt: UUID = field(default_factory=uuid7)


def request(asked: Request, *, actor: UUID) -> Adjustment:
    """Do what is asked for, or have it wait for a second person. Returns the adjustment and how far it is.

    A refusal of Stripe's is a state of it, not an error. Raises :class:`portal.errors.NotFound` and the errors of
    :mod:`portal.billing.adjustment_errors`, :class:`portal.gateway.account.MoneyStopped`,
    :class:`portal.billing.leased.StillWorking`, :class:`portal.gateway.errors.StripeFailure` when it is unknown.
    """
    require_money_allowed()
    _check_words(asked)
    customers.ensure_row()  # there is something to lock, also for a tenant that never bought
    locked()
    if (earlier := _made_before(asked)) is not None:
        db.session.commit()
        return earlier
    try:
        row = _write(asked, actor)
    except Exception:
        db.session.rollback()
        raise
    if row.state == "proposed":
        _ask_second_person(row)
        db.session.commit()
        return row
    return _perform(row)


def approve(adjustment_id: UUID, *, actor: UUID) -> Adjustment:
    """Let a proposed adjustment happen; the person who asked for it cannot. Raises as :func:`request` does.

    What has changed since may refuse it: it is looked at as if it were asked for now.
    """
    require_money_allowed()
    row = _decidable(adjustment_id)
    if row.requested_by == actor:
        db.session.rollback()
        raise OwnRequest
    if row.invoice_id is not None:
        _refuse_overtaken(row, _invoice(row.invoice_id))
    steps.move(row, "working")
    row.decided_by, row.decided_at = actor, clock.now()
    audit.record("adjustment.approve", "adjustment", str(row.id), after=_facts(row))
    return _perform(row)


def reject(adjustment_id: UUID, *, actor: UUID) -> Adjustment:
    """Refuse a proposed adjustment; whoever asked for it withdraws it by the same verb."""
    row = _decidable(adjustment_id)
    own = row.requested_by == actor
    steps.move(row, "withdrawn" if own else "rejected")
    if not own:
        row.decided_by, row.decided_at = actor, clock.now()
    row.finished_at = clock.now()
    audit.record(f"adjustment.{'withdraw' if own else 'reject'}", "adjustment", str(row.id), after=_facts(row))
    db.session.commit()
    return row


def get(adjustment_id: UUID) -> Adjustment:
    """One adjustment of the bound tenant as it is now. Raises :class:`portal.errors.NotFound`."""
    wanted = select(Adjustment).where(Adjustment.id == adjustment_id)
    return lookups.one(wanted.execution_options(populate_existing=True))


def needs_second_person(amount_minor: int, currency: str) -> bool:
    """Whether one person may not decide alone: above the policy's amount, in whole units of any currency."""
    above: Decimal | None = db.session.scalars(select(PolicySettings.second_person_above)).one()
    return above is not None and to_decimal(amount_minor, currency) > above


def _made_before(asked: Request) -> Adjustment | None:
    """What the same attempt made earlier; one that was for something else was sent from an old page."""
    row = db.session.scalars(select(Adjustment).where(Adjustment.id == asked.attempt)).first()
    if row is not None and (row.kind, row.invoice_id, row.payment_id) != (
        asked.kind,
        asked.invoice_id,
        asked.payment_id,
    ):
        db.session.rollback()
        raise SentFromAnOldPage
    return row


def _write(asked: Request, actor: UUID) -> Adjustment:
    invoice = _invoice(asked.invoice_id) if asked.invoice_id else None
    row = Adjustment(
        tenant_id=tenancy.require_tenant(),
        id=asked.attempt,
        kind=asked.kind,
        invoice_id=asked.invoice_id,
        payment_id=asked.payment_id,
        amount_minor=asked.amount_minor,
        currency=invoice.currency if invoice else asked.currency,
        way=asked.way,
        reason_code=asked.reason_code,
        reason=asked.reason.strip(),
        memo=asked.memo.strip(),
        requested_by=actor,
    )
    if invoice is not None:
        row.amount_minor = _amount(row, invoice)
        _refuse(row, invoice)
    steps.begin(row, "proposed" if needs_second_person(row.amount_minor, row.currency) else "working")
    db.session.add(row)
    db.session.flush()
    audit.record("adjustment.request", "adjustment", str(row.id), after=_facts(row))
    return row


def _amount(row: Adjustment, invoice: Invoice) -> int:
    """Writing off and marking as paid are of all that is open."""
    return invoice.amount_remaining_minor if row.kind in ("write_off", "paid_out_of_band") else row.amount_minor


def _refuse(row: Adjustment, invoice: Invoice) -> None:
    """Raise when there is not as much left as is asked for."""
    if row.kind in ("write_off", "paid_out_of_band"):
        _refuse_settling(row, invoice)
        return
    left = adjustment_limits.of(invoice)
    most = left.creditable_minor
    if row.kind == "refund":
        payment = left.of_payment(row.payment_id) if row.payment_id else None
        if payment is None:
            raise NotFound
        if payment.is_disputed:
            raise DisputedPayment
        most = payment.left_minor
    elif row.way == "refund":
        most = min(most, left.refundable_minor + invoice.amount_remaining_minor)
    if invoice.status not in ("open", "paid", "uncollectible"):
        raise NotOpen
    if most <= 0:
        raise NothingLeft
    if row.amount_minor > most:
        raise TooMuch(left=Amount(most, invoice.currency))


def _refuse_settling(row: Adjustment, invoice: Invoice) -> None:
    may = ("open",) if row.kind == "write_off" else ("open", "uncollectible")
    if invoice.status not in may or invoice.amount_remaining_minor <= 0:
        raise NotOpen
    if invoice.payment_state == "processing":
        raise AlreadyBeingSettled
    others = select(Adjustment.id).where(
        Adjustment.invoice_id == invoice.id,
        Adjustment.kind.in_(("write_off", "paid_out_of_band")),
        Adjustment.state.in_(("proposed", "working")),
    )
    if db.session.scalar(others.limit(1)) is not None:
        raise AlreadyBeingSettled


def _refuse_overtaken(row: Adjustment, invoice: Invoice) -> None:
    """What waited for a second person counts as taken; it is refused only when what is left went below nothing."""
    left = adjustment_limits.of(invoice)
    payment = left.of_payment(row.payment_id) if row.payment_id else None
    is_open = invoice.status == "open" or (row.kind == "paid_out_of_band" and invoice.status == "uncollectible")
    gone = {
        "refund": payment is None or payment.is_disputed,
        "write_off": not is_open,
        "paid_out_of_band": not is_open,
    }.get(row.kind, invoice.status not in ("open", "paid", "uncollectible"))
    if gone:
        db.session.rollback()
        raise DisputedPayment if payment is not None and payment.is_disputed else NotOpen


def _perform(row: Adjustment) -> Adjustment:
    work = stage_leased(
        "adjustment.perform",
        f"adjustment.perform:{row.id}",
        tenant_id=row.tenant_id,
        payload={"adjustment_id": str(row.id)},
        seconds=leased.SECONDS,
    )
    db.session.commit()
    leased.do_now(work, adjustment_works.perform)
    return get(row.id)


def _ask_second_person(row: Adjustment) -> None:
    facts = {
        "adjustment": row.kind,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "reason": row.reason,
    }
    staff_alerts.raise_alert("second_person", str(row.id), tenant_id=row.tenant_id, facts=facts)


def _decidable(adjustment_id: UUID) -> Adjustment:
    get(adjustment_id)  # first: a tenant that has none may have no row to lock
    locked()
    row = get(adjustment_id)
    if row.state != "proposed":
        db.session.rollback()
        raise NotYourDecision
    return row


def _invoice(invoice_id: UUID) -> Invoice:
    wanted = select(Invoice).where(Invoice.id == invoice_id, Invoice.status != "draft")
    return lookups.one(wanted.execution_options(populate_existing=True))


def _check_words(asked: Request) -> None:
    if not MIN_REASON <= len(asked.reason.strip()) <= MAX_REASON:
        raise ReasonMissing
    if asked.amount_minor <= 0 and asked.kind not in ("write_off", "paid_out_of_band"):
        raise NothingLeft


def _facts(row: Adjustment) -> dict[str, object]:
    return {
        "kind": row.kind,
        "invoice": str(row.invoice_id) if row.invoice_id else None,
        "amount_minor": row.amount_minor,
        "currency": row.currency,
        "way": row.way,
        "reason": row.reason,
        "state": row.state,
    }
