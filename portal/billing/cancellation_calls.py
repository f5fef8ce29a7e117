"""What a cancellation asks of Stripe. Done by the request that wants it, or by the worker that inherited it."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from portal import clock, steps
from portal.billing import cancellation_refunds, plan_change_schedules
from portal.extensions import db
from portal.findings import report
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, keyed
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.gateway.inbox import want
from portal.mirror.customers import locked
from portal.models import Cancellation
from portal.notices.notify import notify
from portal.outbox import Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import SubscriptionCancelParams, SubscriptionUpdateParams


class NotEndedYet(PaymentServiceUnavailable):
    """Money was given back and Stripe refuses to end it: the work is tried again, and staff are told."""

    code = "not_ended_yet"
    message = "Your refund is on its way, but the plan has not ended yet."
    remedy = "We go on trying and have been told. You need not do anything."


def end(work: Work) -> StripeRefused | None:
    """Schedule the end, or give the money back and end at once. Returns why Stripe refused, if it did.

    The refund goes first: nobody is ended without what was stated. Once some of it was given back, this goes on to
    the end: raises :class:`NotEndedYet` where Stripe refuses that, and
    :class:`portal.gateway.errors.PaymentServiceUnavailable` while an effect is unknown.
    """
    row = _row(work)
    db.session.commit()
    if row.state != "requested":
        return None
    try:
        if row.ending == "now":
            require_money_allowed()
            cancellation_refunds.give_back(row)
            ended = _end_now(row)
        else:
            ended = _schedule(row)
    except StripeRefused as error:
        _fail(work, error)
        return error
    _store_end(work, ended)
    return None


def keep(work: Work) -> StripeRefused | None:
    """Take a scheduled end back. Returns why Stripe refused: it has ended, most likely, and is read again."""
    row = _row(work)
    db.session.commit()
    if row.state != "scheduled":
        return None
    refused: StripeRefused | None = None
    try:
        params: SubscriptionUpdateParams = (
            {"cancel_at": ""} if row.undone_by == "cancel_at" else {"cancel_at_period_end": False}
        )
        key = keyed(f"cancellation.undo:{work.payload['intent']}")
        gateway().write(lambda s: s.v1.subscriptions.update(row.stripe_subscription_id, params, key))
    except StripeRefused as error:
        refused = error
    locked()
    row = _row(work)
    if refused is None and row.state == "scheduled":
        steps.move(row, "undone")
        row.settled_at = clock.now()
        audit.record("cancellation.undone", "cancellation", str(row.id))
        notify("cancellation_undone", str(row.id))
    want(row.stripe_subscription_id, "subscription")
    finish(work)
    db.session.commit()
    return refused


def _row(work: Work) -> Cancellation:
    """The bound tenant's own, whatever the payload says."""
    wanted = Cancellation.id == UUID(str(work.payload["cancellation_id"]))
    return db.session.scalars(select(Cancellation).where(wanted).execution_options(populate_existing=True)).one()


def _schedule(row: Cancellation) -> dict[str, Any]:
    plan_change_schedules.let_go(row.stripe_subscription_id, f"cancellation.release:{row.id}")
    params: SubscriptionUpdateParams = {"cancel_at_period_end": True}
    if why := _why(row):
        params["cancellation_details"] = why
    key = keyed(f"cancellation.schedule:{row.id}")
    return as_dict(gateway().write(lambda s: s.v1.subscriptions.update(row.stripe_subscription_id, params, key)))


def _end_now(row: Cancellation) -> dict[str, Any]:
    """Without Stripe's own prorations: what goes back was given back. Ended meanwhile is ended too."""
    params: SubscriptionCancelParams = {"prorate": False, "invoice_now": False}
    if why := _why(row):
        params["cancellation_details"] = why
    key = keyed(f"cancellation.end:{row.id}")
    try:
        return as_dict(gateway().write(lambda s: s.v1.subscriptions.cancel(row.stripe_subscription_id, params, key)))
    except StripeRefused:
        found = as_dict(gateway().read(lambda s: s.v1.subscriptions.retrieve(row.stripe_subscription_id)))
        if found["ended_at"] is None:
            raise
        return found


def _why(row: Cancellation) -> Any:
    """Stripe's list of reasons has the words of ours: docs.stripe.com/api/subscriptions/cancel."""
    details = {"feedback": row.reason} if row.reason else {}
    if row.comment:
        details["comment"] = row.comment
    return details


def _store_end(work: Work, ended: dict[str, Any]) -> None:
    locked()
    row = _row(work)
    state = "ended" if ended["ended_at"] is not None else "scheduled"
    if row.state == "requested" or (row.state, state) == ("scheduled", "ended"):
        before = row.state
        steps.move(row, state)
        row.ends_at = clock.from_timestamp(ended["ended_at"] or ended["cancel_at"])
        audit.record(
            f"cancellation.{state}", "cancellation", str(row.id), before={"state": before}, after={"state": state}
        )
        if state == "scheduled":
            notify("cancellation_scheduled", str(row.id))
    row.settled_at = clock.now()
    want(row.stripe_subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _fail(work: Work, error: StripeRefused) -> None:
    """Nothing was ended, and nothing given back: what the quote was made of is read again.

    Raises :class:`NotEndedYet` when some was given back: nobody is told to try again, and pays twice.
    """
    db.session.rollback()
    locked()
    row = _row(work)
    if row.stripe_credit_notes:
        report("cancellation_unfinished", str(row.id), error=_code(error))
        db.session.commit()
        raise NotEndedYet(**error.params) from error
    for part in row.refunds:
        want(part["invoice"], "invoice")
    if row.state == "requested":
        steps.move(row, "failed", reason=error.code)
        row.error_code = _code(error)
        audit.record("cancellation.fail", "cancellation", str(row.id), after={"error": row.error_code})
        if row.refunds:
            report("cancellation_failed", str(row.id), error=row.error_code, refund_minor=row.refund_minor)
    want(row.stripe_subscription_id, "subscription")
    finish(work)
    db.session.commit()


def _code(error: StripeRefused) -> str:
    """Stripe's own word for it, where it has one."""
    return str(error.params.get("stripe_code") or error.code)
