"""Limits on guessing, counted in PostgreSQL rows, so that they hold while Redis is away.

Signing in: 10 failures in 15 minutes, per account and per address (ASVS 6.3.1). The account's limit could be used to
lock somebody out; it is held small: refused tries are not counted, so it ends 15 minutes after the first
failure however long the attacker goes on; sessions that exist stay; and setting a new password by mail
forgives the account's failures at once.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address, ip_network
from uuid import UUID

from flask import current_app
from sqlalchemy import insert, text

from portal import clock, tenancy
from portal.errors import DomainError
from portal.extensions import db
from portal.ids import uuid7
from portal.models import LoginAttempt

_LOCK_SPACE = 0x6C696D69  # "limi"


@dataclass(frozen=True)
class Limit:
    """At most ``of_account`` and ``of_address`` (``None``: any number) counted tries in ``seconds``."""

    name: str
    of_account: int
    of_address: int | None
    seconds: int


SIGN_IN = Limit("sign-in", of_account=10, of_address=10, seconds=15 * 60)
# Mails to one person, and mails that one address may cause: an office behind one address stays able to work.
RESET = Limit("reset", of_account=5, of_address=30, seconds=60 * 60)
# Codes that nobody has, by everybody of one tenant.
COUPON = Limit("coupon", of_account=20, of_address=None, seconds=15 * 60)


class TooManyAttempts(DomainError):
    """The limit is reached; ``minutes`` (rounded up) until the first of the counted tries is forgotten."""

    code = "too_many_attempts"
    status = 429
    message = "Too many attempts. Please wait %(minutes)d min and try again."
    remedy = "If you forgot your password, ask for a link to set a new one."


def require_left(limit: Limit, account: str) -> None:
    """Raises :class:`TooManyAttempts` when the account's limit is reached; counts nothing."""
    _require_left(limit, _account_key(limit, account), "")


def begin_attempt(limit: Limit, account: str, address: str = "") -> UUID:
    """Count a try as failed *before* it is checked, and return its id for :func:`succeed`.

    Commits in a transaction of its own: tries that run side by side wait for each other here, so that no
    guess slips under the limit. Raises :class:`TooManyAttempts`; such a try is not counted.
    """
    keys = _account_key(limit, account), f"{limit.name}:{_network(address)}"
    with tenancy.bound():
        for key in sorted(keys):  # sorted: two tries that share both keys must not wait for each other crosswise
            db.session.execute(
                text("SELECT pg_advisory_xact_lock(:space, hashtext(:key))"), {"space": _LOCK_SPACE, "key": key}
            )
        _require_left(limit, *keys)
        attempt_id = uuid7()
        db.session.execute(insert(LoginAttempt).values(id=attempt_id, account=keys[0], address=keys[1]))
        db.session.commit()
    return attempt_id


def succeed(attempt_id: UUID) -> None:
    """Turn the try into a success, in the current transaction: the account's failures are forgiven."""
    tenancy.execute_function("mark_login_succeeded", attempt_id)


def forgive(account: str) -> None:
    """Forgive the account's failed sign-ins, in the current transaction (after a new password by mail)."""
    row = {"id": uuid7(), "account": _account_key(SIGN_IN, account), "address": "", "succeeded": True}
    db.session.execute(insert(LoginAttempt).values(**row))


def account_digest(account: str) -> str:
    """A name for the account that tells nobody its address: people type passwords into the wrong field."""
    key = current_app.extensions["settings"].secret_key.encode()
    return hmac.new(key, f"account:{account.strip().lower()}".encode(), hashlib.sha256).hexdigest()[:32]


def _require_left(limit: Limit, account_key: str, address_key: str) -> None:
    counted = tenancy.execute_function("count_failed_logins", account_key, address_key, float(limit.seconds)).one()
    if counted.of_account >= limit.of_account:
        raise _refusal(limit, counted.account_since)
    if limit.of_address is not None and counted.of_address >= limit.of_address:
        raise _refusal(limit, counted.address_since)


def _account_key(limit: Limit, account: str) -> str:
    return f"{limit.name}:{account_digest(account)}"


def _network(address: str) -> str:
    """An IPv6 customer holds a /64 at least: counting single addresses would count nothing."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _refusal(limit: Limit, since: datetime) -> TooManyAttempts:
    waited = (clock.now() - since).total_seconds()
    seconds = max(1, round(limit.seconds - waited))
    return TooManyAttempts(minutes=-(-seconds // 60), retry_after=seconds)
