"""Telling the platform's own people: one mail each to those who keep the money right, or to the one who asked.

They belong to no tenant, hence no notice: the outbox row is the record.
"""

import logging
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from portal import tenancy
from portal.config import LANGUAGES
from portal.extensions import db
from portal.i18n import Viewer, speaking_to
from portal.models import StaffMember, User
from portal.notices.carrying import carry
from portal.notices.channels.base import Delivery, PermanentFailure
from portal.notices.contents import staff
from portal.outbox import Work, finish, stage

log = logging.getLogger("portal.notices")
KEEPERS = ("admin", "finance")


def raise_alert(
    kind: str, object_id: str, *, tenant_id: UUID, facts: Mapping[str, Any], user_id: UUID | None = None
) -> None:
    """Owe an alert, in the current transaction. ``kind``: a name of :data:`portal.notices.contents.staff.KINDS`.

    ``user_id``: the one who is told; without, all who may put money right. The same kind and object is told once.
    """
    stage(
        "staff.alert",
        f"staff.alert:{kind}:{object_id}",
        tenant_id=tenant_id,
        payload={"kind": kind, "facts": dict(facts), "user_id": str(user_id) if user_id else None},
    )


def spread(work: Work) -> None:
    """Outbox work: owe each of the people a mail of their own."""
    only = work.payload.get("user_id")
    with tenancy.staff_session() as session:
        people = session.scalars(_people(UUID(str(only)) if only else None)).all()
    for user_id in people:
        stage(
            "mail.staff",
            f"mail.staff:{work.id}:{user_id}",
            tenant_id=work.tenant_id,
            payload={**work.payload, "user_id": str(user_id), "tenant_id": str(work.tenant_id)},
        )
    finish(work)
    db.session.commit()


def send(work: Work) -> None:
    """Outbox work: compose and mail one of them."""
    with tenancy.staff_session() as session:
        columns = (User.email, User.language, User.format_locale, User.timezone)
        person = session.execute(
            select(*columns).where(User.id == UUID(str(work.payload["user_id"])), User.disabled_at.is_(None))
        ).one_or_none()
    if person is None:
        return
    language = person.language if person.language in LANGUAGES else "en"
    reader = Viewer(language, person.format_locale, person.timezone)

    def composed() -> Delivery:
        with speaking_to(reader):
            message = staff.compose(str(work.payload["kind"]), work.payload["facts"], str(work.payload["tenant_id"]))
            return Delivery(work.id, person.email, reader, message)

    try:
        carry(work, "mail", composed)
    except PermanentFailure as failure:
        log.warning("a mail to staff was refused: %s", str(failure).replace(person.email, "<address>"))


def _people(only: UUID | None) -> Any:
    wanted = select(StaffMember.user_id).join(User, User.id == StaffMember.user_id).where(User.disabled_at.is_(None))
    return wanted.where(User.id == only) if only else wanted.where(StaffMember.role.in_(KEEPERS))
