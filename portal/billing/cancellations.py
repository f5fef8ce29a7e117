"""Leaving: at the end of the period, or at once with a refund that was quoted; and staying after all."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from portal import steps
from portal.billing import cancellation_calls, cancellation_quotes, leased
from portal.billing.cancellation_quotes import Quote
from portal.billing.subscriptions import live_subscription, plan_of
from portal.errors import Conflict, Invalid
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.errors import PaymentServiceUnavailable
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.models import Cancellation, Subscription
from portal.models.cancellations import REASONS
from portal.outbox import Work, stage_leased
from portal.security import audit

MAX_COMMENT = 2000
Ending = Literal["period_end", "now"]


class NothingToCancel(Conflict):
    code = "nothing_to_cancel"
    message = "You have no running subscription."
    remedy = "There is nothing to cancel. Your invoices stay where they are."


class AlreadyLeaving(Conflict):
    code = "already_canceled"
    message = "Your subscription is canceled already."
    remedy = "The overview says until when you can use it, and how to keep it."


class NotLeaving(Conflict):
    code = "not_canceled"
    message = "Your subscription is not canceled."
    remedy = "It goes on as it is; there is nothing to take back."


class NotAtOnce(Invalid):
    code = "not_at_once"
    message = "This plan cannot be ended at once."
    remedy = "You can cancel it for the end of the period."


class PaymentOnItsWay(Conflict):
    """Ended now, the bank would still collect the whole period, and nothing would go back."""

    code = "payment_on_its_way"
    message = "A payment of your plan is still on its way."
    remedy = "Nothing was canceled. You can cancel for the end of the period, or at once when your bank has answered."


class BadReason(Invalid):
    code = "bad_reason"
    message = "Please choose one of the reasons, or none."


class CommentTooLong(Invalid):
    code = "comment_too_long"
    message = "Please shorten your comment to 2,000 characters."


class StillCanceling(PaymentServiceUnavailable):
    code = "cancellation_under_way"
    message = "Your cancellation is being carried out."
    remedy = "Please look at the overview in a minute."


@dataclass(frozen=True)
class Leaving:
    """How far a live subscription is on its way out. ``ends_at`` is unknown while it is only asked for."""

    state: Literal["requested", "scheduled", "ended"]
    ends_at: datetime | None


def latest(subscription: Subscription) -> Cancellation | None:
    """The subscription's newest cancellation, also one that was undone."""
    return db.session.scalars(
        select(Cancellation)
        .where(Cancellation.subscription_id == subscription.id)
        .order_by(Cancellation.created_at.desc(), Cancellation.id.desc())
        .limit(1)
    ).first()


def leaving(subscription: Subscription) -> Leaving | None:
    """Whether, and when, the live subscription ends; ``None`` when it goes on. Reads only our own rows.

    What Stripe has answered a verb counts before the mirror has caught up with it.
    """
    found = latest(subscription)
    if found is not None and found.state in ("requested", "scheduled"):
        return Leaving("requested" if found.state == "requested" else "scheduled", found.ends_at)
    if found is not None and found.settled_at is not None and found.settled_at > subscription.synced_at:
        return Leaving("ended", found.settled_at) if found.state == "ended" else None
    ends_at = subscription.cancel_at
    if ends_at is None and subscription.cancel_at_period_end:
        ends_at = subscription.current_period_end
    return Leaving("scheduled", ends_at) if ends_at is not None else None


def quote() -> Quote:
    """What leaving would mean for the bound tenant now, with the refund to the minor unit where there is one.

    Raises :class:`NothingToCancel`, :class:`AlreadyLeaving`.
    """
    subscription = _cancelable()
    return cancellation_quotes.of(subscription, plan_of(subscription))


def cancel(ending: Ending, *, actor: UUID, reason: str = "", comment: str = "", token: str = "") -> Cancellation:
    """End the bound tenant's subscription: at the end of what is paid, or at once by a quote's ``token``.

    Twice the same is once. Returns the cancellation: ``scheduled``, ``ended``, or ``requested`` while somebody else
    carries it out. Raises :class:`NothingToCancel`, :class:`AlreadyLeaving`, :class:`NotAtOnce`,
    :class:`PaymentOnItsWay`, :class:`BadReason`, :class:`CommentTooLong`,
    :class:`portal.billing.cancellation_quotes.QuoteGone`, :class:`portal.gateway.account.MoneyStopped`,
    :class:`portal.gateway.errors.StripeFailure`.
    """
    _check(reason, comment)
    if ending == "now":
        require_money_allowed()
    subscription = _cancelable(lock=True)
    terms = _terms(subscription, ending, token)
    row = Cancellation(
        tenant_id=subscription.tenant_id,
        id=uuid7(),
        subscription_id=subscription.id,
        stripe_subscription_id=subscription.stripe_subscription_id,
        requested_by=actor,
        ending=ending,
        reason=reason,
        comment=comment.strip(),
        refund_minor=terms.refund_minor,
        refunds=terms.parts(),
        currency=subscription.currency,
    )
    steps.begin(row, "requested")
    db.session.add(row)
    db.session.flush()
    asked = {"ending": ending, "reason": reason, "refund_minor": row.refund_minor}
    audit.record("cancellation.request", "cancellation", str(row.id), after=asked, actor=actor)
    _carry_out("subscription.cancel", row, row.id)
    return row


def keep(*, actor: UUID) -> Subscription:
    """Take back a cancellation that has not come into force, also one made at Stripe. Twice the same is once.

    Raises :class:`NotLeaving` (also when it has ended in between), :class:`portal.gateway.errors.StripeFailure`.
    """
    subscription = live_subscription()
    if subscription is None:
        raise NotLeaving
    locked()
    db.session.refresh(subscription)
    row = latest(subscription) if subscription.is_live else None
    if row is None or row.state != "scheduled":
        db.session.rollback()
        raise NotLeaving
    row.undone_by = "cancel_at" if subscription.cancel_at and not subscription.cancel_at_period_end else _FLAG
    audit.record("cancellation.undo", "cancellation", str(row.id), actor=actor)
    _carry_out("subscription.keep", row, uuid7())  # each press is one of its own: Stripe may have refused the last
    return subscription


_FLAG = "cancel_at_period_end"


def carry_out(work: Work) -> None:
    """Outbox work: what :func:`cancel` asks of Stripe. Payload: ``cancellation_id``."""
    cancellation_calls.end(work)


def take_back(work: Work) -> None:
    """Outbox work: what :func:`keep` asks of Stripe. Payload: ``cancellation_id``, ``intent`` (the press)."""
    cancellation_calls.keep(work)


def _check(reason: str, comment: str) -> None:
    if reason and reason not in REASONS:
        raise BadReason
    if len(comment) > MAX_COMMENT:
        raise CommentTooLong


def _cancelable(*, lock: bool = False) -> Subscription:
    subscription = live_subscription()
    if subscription is None:
        raise NothingToCancel
    if lock:
        locked()
        db.session.refresh(subscription)
        if not subscription.is_live:
            db.session.rollback()
            raise NothingToCancel
    if leaving(subscription) is not None:
        db.session.rollback()
        raise AlreadyLeaving
    return subscription


def _terms(subscription: Subscription, ending: Ending, token: str) -> cancellation_quotes.Terms:
    if ending != "now":
        return cancellation_quotes.NOTHING_BACK
    plan = plan_of(subscription)
    if not cancellation_quotes.may_end_now(subscription, plan):
        db.session.rollback()
        raise NotAtOnce
    if cancellation_quotes.is_paying(subscription):
        db.session.rollback()
        raise PaymentOnItsWay
    try:
        return cancellation_quotes.redeem(token, subscription, plan)
    except cancellation_quotes.QuoteGone:
        db.session.rollback()
        raise


def _carry_out(kind: str, row: Cancellation, intent: UUID) -> None:
    """Commit the intent and ask Stripe in this request; whoever inherits the work asks with the same keys."""
    work = stage_leased(
        kind,
        f"{kind}:{intent}",
        tenant_id=row.tenant_id,
        payload={"cancellation_id": str(row.id), "intent": str(intent)},
        seconds=leased.SECONDS,
    )
    db.session.commit()
    calls = cancellation_calls.end if kind == "subscription.cancel" else cancellation_calls.keep
    refused = leased.do_now(work, calls, still=StillCanceling)
    if refused is not None:
        raise refused
