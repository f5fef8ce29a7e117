"""Reset links: one hour, one use, made by the mail job, redeemed by whoever holds the mail."""

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from portal import tenancy
from portal.errors import Invalid
from portal.extensions import db
from portal.models import PasswordReset, User
from portal.security import audit, limits, passwords, sessions
from portal.security.password_notices import tell_of_new_password
from portal.security.principal import hash_token

LIFETIME = timedelta(minutes=60)
_LOCK_SPACE = 0x72657365  # "rese"


class ResetLinkSpent(Invalid):
    """Unknown, used, replaced or too old: one answer for all."""

    code = "reset_link_spent"
    message = "This link is no longer valid."
    remedy = "Ask for a new link. It is valid for 60 minutes and works once."


def issue(user_id: UUID) -> str:
    """Make a reset token for a user and return it; earlier ones of the user are void. Commits.

    For the mail job, on the worker's role, with no transaction open.
    """
    token = secrets.token_urlsafe(32)
    with tenancy.bound(user_id=user_id):
        _take_turns(user_id)
        _void_all(user_id)
        db.session.execute(
            insert(PasswordReset).values(
                token_hash=hash_token(token), user_id=user_id, expires_at=func.now() + LIFETIME
            )
        )
        db.session.commit()
    return token


def is_redeemable(token: str) -> bool:
    """Whether the link can still be used; for the page that asks for the new password."""
    return _find(token) is not None


def redeem(token: str, new_password: str) -> None:
    """Set a new password by a mailed token, once; all the user's sessions end. Commits.

    Raises :class:`ResetLinkSpent` and :class:`portal.security.passwords.WeakPassword`, after which the link
    still works.
    """
    user_id = _find(token)
    if user_id is None:
        raise ResetLinkSpent
    with tenancy.bound(user_id=user_id):
        email, language = db.session.execute(select(User.email, User.language).where(User.id == user_id)).one()
    passwords.check_new_password(new_password, email=email)
    password_hash = passwords.hash_password(new_password)
    with tenancy.bound(tenancy.PLATFORM, user_id=user_id):
        _take_turns(user_id)
        _use(token)
        _void_all(user_id)
        db.session.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))
        ended = sessions.revoke_all(user_id)
        limits.forgive(email)
        audit.record("password.reset", "user", user_id, after={"sessions_ended": ended}, actor=user_id)
        tell_of_new_password(user_id, language=language)
        db.session.commit()


def _find(token: str) -> UUID | None:
    with tenancy.bound():
        user_id: UUID | None = tenancy.execute_function("find_password_reset", hash_token(token)).scalar()
    return user_id


def _take_turns(user_id: UUID) -> None:
    """Until the end of the transaction: what another has made and not committed could not be made void."""
    lock = text("SELECT pg_advisory_xact_lock(:space, hashtext(:user))")
    db.session.execute(lock, {"space": _LOCK_SPACE, "user": str(user_id)})


def _use(token: str) -> None:
    """Spend the token; of two that redeem it at once, the second finds it spent."""
    used = db.session.execute(
        update(PasswordReset)
        .where(
            PasswordReset.token_hash == hash_token(token),
            PasswordReset.used_at.is_(None),
            PasswordReset.expires_at > func.now(),
        )
        .values(used_at=func.now())
        .returning(PasswordReset.user_id)
    )
    if used.first() is None:
        raise ResetLinkSpent


def _void_all(user_id: UUID) -> None:
    db.session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(used_at=func.now())
    )
