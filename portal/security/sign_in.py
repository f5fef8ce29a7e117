"""The verbs of signing in and out, of switching tenants and of asking for a new password."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import update

from portal import tenancy
from portal.errors import DomainError, Invalid, NotFound
from portal.extensions import db
from portal.ids import uuid7
from portal.models import User
from portal.outbox.staging import stage
from portal.security import audit, limits, password_resets, passwords, sessions
from portal.security.principal import Principal, tenant_choices


class WrongCredentials(Invalid):
    """Unknown account, wrong password or disabled account: one answer for all."""

    code = "wrong_credentials"
    message = "E-mail address and password do not match."


class NoMembership(DomainError):
    """The person belongs to no tenant, so there is nothing to show."""

    code = "no_membership"
    status = 403
    message = "You do not belong to an organisation."
    remedy = "Ask an owner of your organisation to add you."


class _Found(NamedTuple):
    user_id: UUID
    password_hash: str
    staff_role: str | None


def sign_in(email: str, password: str, *, address: str, user_agent: str) -> str:
    """Check the password and start a session; returns its token.

    The tenant is the one looked at last, else the first by name. Raises :class:`WrongCredentials` and
    :class:`portal.security.limits.TooManyAttempts`. Commits.
    """
    attempt_id = limits.begin_attempt(limits.SIGN_IN, email, address)
    found = _find(email)
    if not passwords.verify_password(found and found.password_hash, password) or found is None:
        _record_failure(email, address)
        raise WrongCredentials
    tenant_id = _landing_tenant(found.user_id)
    with tenancy.bound(tenant_id or tenancy.PLATFORM, user_id=found.user_id):
        limits.succeed(attempt_id)
        if passwords.needs_rehash(found.password_hash):
            db.session.execute(
                update(User).where(User.id == found.user_id).values(password_hash=passwords.hash_password(password))
            )
        token = sessions.open_session(
            found.user_id, tenant_id, is_staff=found.staff_role is not None, address=address, user_agent=user_agent
        )
        audit.record("session.started", "user", found.user_id, after={"address": address}, actor=found.user_id)
        db.session.commit()
    return token


def sign_out(principal: Principal) -> None:
    """Revoke the session: a copy of its cookie is worth nothing afterwards. Commits."""
    with tenancy.bound(principal.tenant_id or tenancy.PLATFORM, user_id=principal.user_id):
        sessions.end(principal.session_id)
        audit.record("session.ended", "user", principal.user_id, actor=principal.user_id)
        db.session.commit()


def switch_tenant(principal: Principal, tenant_id: UUID) -> str:
    """Look at another of one's tenants; returns the session's new token. Commits.

    Raises NotFound for a tenant that does not exist and for one that the person does not belong to.
    """
    if tenant_id not in {choice.tenant_id for choice in principal.tenants}:
        raise NotFound
    with tenancy.bound(tenant_id, user_id=principal.user_id):
        token = sessions.renew_token(principal.session_id, tenant_id=tenant_id)
        before = {"tenant_id": principal.tenant_id}
        audit.record("tenant.entered", "user", principal.user_id, before=before, actor=principal.user_id)
        db.session.commit()
    return token


def request_password_reset(email: str, *, address: str, language: str) -> None:
    """Owe the account a mail with a reset link. Says nothing about whether there is such an account.

    More than 5 requests an hour for an account, or 30 from an address, are dropped without a word. Commits.
    """
    try:
        limits.begin_attempt(limits.RESET, email, address)
    except limits.TooManyAttempts:
        return
    found = _find(email)
    with tenancy.bound(tenancy.PLATFORM):
        request_id = uuid7()
        if found is not None:
            # The token is made by the mail job: in the outbox, whoever reads that table could use it.
            stage(
                "mail.password_reset",
                f"mail.password_reset:{request_id}",
                payload={"user_id": str(found.user_id), "language": language},
            )
        audit.record("password_reset.requested", "account", limits.account_digest(email))
        db.session.commit()


def reset_password(token: str, new_password: str) -> None:
    """Set a new password by a mailed token; see :func:`portal.security.password_resets.redeem`."""
    password_resets.redeem(token, new_password)


def _find(email: str) -> _Found | None:
    with tenancy.bound():
        row = tenancy.execute_function("find_user_by_email", sessions.printable(email.strip())).first()
    if row is None or row.disabled_at is not None:
        return None
    return _Found(row.user_id, row.password_hash, row.staff_role)


def _landing_tenant(user_id: UUID) -> UUID | None:
    with tenancy.bound(user_id=user_id):
        choices = [choice.tenant_id for choice in tenant_choices(db.session, user_id)]
        last = sessions.last_tenant(user_id)
    if last in choices:
        return last
    return choices[0] if choices else None


def _record_failure(email: str, address: str) -> None:
    """On the platform's chain: before a sign-in nobody knows for which tenant it was meant."""
    with tenancy.bound(tenancy.PLATFORM):
        audit.record(
            "sign_in.failed",
            "account",
            limits.account_digest(email),
            after={"address": address},
            actor=audit.Actor("anonymous"),
        )
        db.session.commit()
