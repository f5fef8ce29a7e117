"""Sending what was said: compose from the rows as they are now, carry, write down what became of it."""

from uuid import UUID

from flask import current_app
from sqlalchemy import func as sql
from sqlalchemy import select, update

from portal import tenancy
from portal.breaker import Breaker
from portal.extensions import db
from portal.i18n import speaking_to
from portal.models import Notice, OutboxRow
from portal.notices.channels import CHANNELS
from portal.notices.channels.base import Delivery, PermanentFailure, TemporaryFailure, Unreachable
from portal.notices.kinds import KINDS
from portal.notices.message import NotComposable, Overtaken
from portal.notices.recipients import reader_of
from portal.outbox import Retry, Work, finish

FIRST_DELAY_SECONDS = 30.0
LONGEST_DELAY_SECONDS = 900.0
LONGEST_PAUSE_SECONDS = 300.0


def send_notice(work: Work) -> None:
    """Outbox work: deliver one notice by its channel. Payload: ``notice_id``. The tenant is bound.

    The channel speaks with no transaction open. A crash between the other side's yes and our commit repeats
    the message once; its id is the same then. Raises :class:`portal.outbox.Retry` while the channel is away.
    """
    notice_id = UUID(str(work.payload["notice_id"]))
    notice = db.session.scalars(select(Notice).where(Notice.id == notice_id)).one()
    if notice.state != "staged":
        return
    breaker = _breaker(notice.channel)
    if pause := breaker.remaining():
        raise Retry(max(pause, retry_seconds(work)), f"{notice.channel} does not answer")
    channel = CHANNELS[notice.channel]
    try:
        delivery = _composed(notice)
        db.session.rollback()
        channel(delivery)
        breaker.succeeded()
    except Unreachable as failure:
        breaker.failed()
        raise Retry(retry_seconds(work), str(failure)) from failure
    except TemporaryFailure as failure:
        raise Retry(retry_seconds(work), str(failure)) from failure
    except Overtaken as fact:
        _settle(work, notice_id, "overtaken", str(fact))
    except (PermanentFailure, NotComposable) as failure:
        _settle(work, notice_id, "failed", str(failure))
    else:
        _settle(work, notice_id, "sent", None)


def _breaker(channel: str) -> Breaker:
    """This process's view of a channel. A mail server that answers after 25 s would otherwise have a worker to
    itself as long as mails wait, and documents and events with it."""
    breakers: dict[str, Breaker] = current_app.extensions.setdefault("channel_breakers", {})
    return breakers.setdefault(channel, Breaker(FIRST_DELAY_SECONDS, LONGEST_PAUSE_SECONDS))


def retry_seconds(work: Work) -> float:
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


def _composed(notice: Notice) -> Delivery:
    reader = reader_of(notice.language, notice.params.get("reader", {}))
    with speaking_to(reader):
        message = KINDS[notice.kind].compose(notice)
    return Delivery(notice.id, notice.recipient, reader, message)


def _settle(work: Work, notice_id: UUID, state: str, error: str | None) -> None:
    db.session.rollback()
    db.session.execute(
        update(Notice)
        .where(Notice.tenant_id == tenancy.require_tenant(), Notice.id == notice_id, Notice.state == "staged")
        .values(state=state, error=error, sent_at=sql.now() if state == "sent" else None),
        execution_options={"synchronize_session": False},
    )
    finish(work)
    db.session.commit()
