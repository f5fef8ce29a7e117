"""Handing a message to its channel, unless that is known to be silent: the one way for all messages."""

from collections.abc import Callable

from flask import current_app
from sqlalchemy import func as sql
from sqlalchemy import select

from portal.breaker import Breaker
from portal.extensions import db
from portal.models import OutboxRow
from portal.notices.channels import CHANNELS
from portal.notices.channels.base import Delivery, TemporaryFailure, Unreachable
from portal.outbox import Retry, Work

FIRST_DELAY_SECONDS = 30.0
LONGEST_DELAY_SECONDS = 900.0
LONGEST_PAUSE_SECONDS = 300.0


def carry(work: Work, channel: str, compose: Callable[[], Delivery]) -> None:
    """Compose a message and hand it over, with no transaction open; returns when the other side has taken it.

    A channel that did not answer lately is not even tried, nor is the message composed then. Raises
    :class:`portal.outbox.Retry` while the channel is away, :class:`portal.notices.channels.base.PermanentFailure`
    when it refuses the message for good, and whatever ``compose`` raises.
    """
    breaker = _breaker(channel)
    if pause := breaker.remaining():
        raise Retry(max(pause, _retry_seconds(work)), f"{channel} does not answer")
    delivery = compose()
    db.session.rollback()
    try:
        CHANNELS[channel](delivery)
    except Unreachable as failure:
        breaker.failed()
        raise Retry(_retry_seconds(work), str(failure)) from failure
    except TemporaryFailure as failure:
        raise Retry(_retry_seconds(work), str(failure)) from failure
    breaker.succeeded()


def _breaker(channel: str) -> Breaker:
    """This process's view of a channel. A mail server that answers after 25 s would otherwise have a worker to
    itself as long as mails wait, and documents and events with it."""
    breakers: dict[str, Breaker] = current_app.extensions.setdefault("channel_breakers", {})
    return breakers.setdefault(channel, Breaker(FIRST_DELAY_SECONDS, LONGEST_PAUSE_SECONDS))


def _retry_seconds(work: Work) -> float:
    """As long as the work has waited already, within limits: 30 s, 60 s, 120 s … 900 s.

    The age and not a count of tries, because waiting is not counted: an outage of a day must not use up
    the tries, and the row's own age survives every restart.
    """
    db.session.rollback()
    age = db.session.scalar(
        select(sql.extract("epoch", sql.now() - OutboxRow.created_at)).where(OutboxRow.id == work.id)
    )
    db.session.rollback()
    return min(max(FIRST_DELAY_SECONDS, float(age or 0)), LONGEST_DELAY_SECONDS)
