"""Sending what was said: compose from the rows as they are now, carry, write down what became of it."""

from uuid import UUID

from sqlalchemy import func as sql
from sqlalchemy import select, update

from portal import tenancy
from portal.extensions import db
from portal.i18n import speaking_to
from portal.models import Notice
from portal.notices.carrying import carry
from portal.notices.channels.base import Delivery, PermanentFailure
from portal.notices.kinds import KINDS
from portal.notices.message import NotComposable, Overtaken
from portal.notices.recipients import reader_of
from portal.outbox import Work, finish


def send_notice(work: Work) -> None:
    """Outbox work: deliver one notice by its channel. Payload: ``notice_id``. The tenant is bound.

    The channel speaks with no transaction open. A crash between the other side's yes and our commit repeats
    the message once; its id is the same then. Raises :class:`portal.outbox.Retry` while the channel is away.
    """
    notice_id = UUID(str(work.payload["notice_id"]))
    notice = db.session.scalars(select(Notice).where(Notice.id == notice_id)).one()
    if notice.state != "staged":
        return
    try:
        carry(work, notice.channel, lambda: _composed(notice))
    except Overtaken as fact:
        _settle(work, notice_id, "overtaken", str(fact))
    except (PermanentFailure, NotComposable) as failure:
        _settle(work, notice_id, "failed", str(failure))
    else:
        _settle(work, notice_id, "sent", None)


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
