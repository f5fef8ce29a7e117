"""What people change about themselves: how they read, and their password."""

from zoneinfo import available_timezones

from sqlalchemy import select, update

from portal import tenancy
from portal.config import LANGUAGES
from portal.errors import Invalid
from portal.extensions import db
from portal.formats import known_locale
from portal.models import User
from portal.security import audit, limits, passwords, sessions
from portal.security.password_notices import tell_of_new_password
from portal.security.principal import Principal

THEMES = ("auto", "light", "dark")


class WrongPassword(Invalid):
    """The current password does not match."""

    code = "wrong_password"
    message = "The current password is not right."


def update_preferences(
    principal: Principal,
    *,
    language: str | None = None,
    format_locale: str | None = None,
    timezone: str | None = None,
    theme: str | None = None,
) -> None:
    """Change how the person reads; what is ``None`` stays. Commits. Raises Invalid for unknown values."""
    given = {"language": language, "format_locale": format_locale, "timezone": timezone, "theme": theme}
    before = {name: getattr(principal, name) for name in given}
    changes = {name: value for name, value in given.items() if value is not None and value != before[name]}
    _check(changes)
    if not changes:
        return
    with tenancy.bound(principal.tenant_id or tenancy.PLATFORM, user_id=principal.user_id):
        db.session.execute(update(User).where(User.id == principal.user_id).values(**changes))
        changed_from = {name: before[name] for name in changes}
        audit.record("user.preferences_changed", "user", principal.user_id, before=changed_from, after=changes)
        db.session.commit()


def change_password(principal: Principal, current: str, new: str, *, address: str) -> str:
    """Set a new password by the current one; every other session ends. Returns this session's new token. Commits.

    Raises :class:`WrongPassword` (counted like a failed sign-in: a stolen session must not become a place to
    guess in), WeakPassword and TooManyAttempts.
    """
    passwords.check_new_password(new, email=principal.email)
    attempt_id = limits.begin_attempt(limits.SIGN_IN, principal.email, address)
    with tenancy.bound(user_id=principal.user_id):
        stored = db.session.scalars(select(User.password_hash).where(User.id == principal.user_id)).one()
    if not passwords.verify_password(stored, current):
        raise WrongPassword
    new_hash = passwords.hash_password(new)
    with tenancy.bound(principal.tenant_id or tenancy.PLATFORM, user_id=principal.user_id):
        limits.succeed(attempt_id)
        db.session.execute(update(User).where(User.id == principal.user_id).values(password_hash=new_hash))
        ended = sessions.revoke_all(principal.user_id, but=principal.session_id)
        token = sessions.renew_token(principal.session_id, tenant_id=principal.tenant_id)
        audit.record("password.changed", "user", principal.user_id, after={"sessions_ended": ended})
        tell_of_new_password(principal.user_id, language=principal.language)
        db.session.commit()
    return token


def _check(changes: dict[str, str]) -> None:
    known: dict[str, bool] = {
        "language": changes.get("language") in LANGUAGES,
        "format_locale": known_locale(changes.get("format_locale", "")) == changes.get("format_locale"),
        "timezone": changes.get("timezone") in available_timezones(),
        "theme": changes.get("theme") in THEMES,
    }
    if wrong := [name for name in changes if not known[name]]:
        raise Invalid(fields=wrong)
