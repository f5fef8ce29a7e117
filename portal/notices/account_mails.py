"""Mails to one person about their account. They belong to no tenant, hence no notice: the outbox row is the record."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from portal import tenancy
from portal.config import LANGUAGES
from portal.extensions import db
from portal.i18n import Viewer, speaking_to
from portal.models import User
from portal.notices.carrying import carry
from portal.notices.channels.base import Delivery, PermanentFailure
from portal.notices.contents import accounts
from portal.notices.message import Message
from portal.outbox import Work
from portal.security import password_resets

log = logging.getLogger("portal.notices")


@dataclass(frozen=True)
class _Person:
    id: UUID
    email: str
    language: str
    format_locale: str
    timezone: str


def send_password_reset(work: Work) -> None:
    """Outbox work: make a reset link and mail it. Payload: ``user_id``, ``language``.

    The token is made here, so that it never stands in the outbox; a later try makes a new one, and the
    earlier ones are void.
    """
    minutes = int(password_resets.LIFETIME.total_seconds() // 60)
    _send(work, lambda user: accounts.password_reset(user.email, password_resets.issue(user.id), minutes))


def send_password_changed(work: Work) -> None:
    """Outbox work: say that the password was changed. Payload: ``user_id``, ``language``, ``changed_at`` (ISO)."""
    changed_at = datetime.fromisoformat(str(work.payload["changed_at"]))
    _send(work, lambda user: accounts.password_changed(user.email, changed_at))


def _send(work: Work, compose: Callable[[_Person], Message]) -> None:
    user = _user(UUID(str(work.payload["user_id"])))
    if user is None:
        return
    reader = _reader(user, str(work.payload.get("language", "")))

    def composed() -> Delivery:
        with speaking_to(reader):
            return Delivery(work.id, user.email, reader, compose(user))

    try:
        carry(work, "mail", composed)
    except PermanentFailure as failure:
        # There is no row to keep it in, and trying again would not help; the log names no address.
        answer = str(failure).replace(user.email, "<address>")
        log.warning("a mail to a user was refused: %s", answer, extra={"user_id": str(user.id)})


def _user(user_id: UUID) -> _Person | None:
    """The user while the account can be used; a disabled one gets no links."""
    columns = (User.id, User.email, User.language, User.format_locale, User.timezone)
    with tenancy.bound(user_id=user_id):
        row = db.session.execute(select(*columns).where(User.id == user_id, User.disabled_at.is_(None))).one_or_none()
    return None if row is None else _Person(*row)


def _reader(user: _Person, language: str) -> Viewer:
    """The language of the page that was used, which may be all that the person reads; formats as chosen."""
    known = language if language in LANGUAGES else user.language
    return Viewer(known, user.format_locale, user.timezone)
