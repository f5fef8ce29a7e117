"""What a tenant does with its API keys: make one, revoke one. The owners are told of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from portal import clock, lookups
from portal.errors import Conflict, Invalid
from portal.extensions import db
from portal.models import ApiKey
from portal.notices.notify import notify
from portal.security import api_keys
from portal.security.api_keys import MadeKey

LONGEST_NAME = 60
LONGEST_DAYS = 3650
MOST_KEYS = 50


class BadKey(Invalid):
    """Base of what can be wrong with a new key; ``field`` names the part of the form."""

    code = "bad_api_key"
    field: ClassVar[str] = ""


class BadKeyName(BadKey):
    code, field = "bad_api_key_name", "name"
    message = "A name has 1 to 60 characters; it says what uses the key."


class NoScope(BadKey):
    code, field = "bad_api_key_scopes", "scopes"
    message = "Choose at least one thing that the key may do."


class BadExpiry(BadKey):
    code, field = "bad_api_key_expiry", "expires_in_days"
    message = "A key works for 1 to 3,650 days, or until it is revoked."


class TooManyKeys(Conflict):
    code = "too_many_api_keys"
    message = "An organisation has at most %(most)d keys that work."
    remedy = "Revoke those that nobody uses."


class MadeAlready(Conflict):
    code = "api_key_made_already"
    message = "This key was made already, and a key is shown only once."
    remedy = "If you did not keep it, revoke it and make another one."


@dataclass(frozen=True)
class Draft:
    """A key to be made. ``id`` is what a second submission of the same form is known by.

    ``expires_in_days`` of ``None``: until it is revoked.
    """

    id: UUID
    name: str
    scopes: Sequence[str]
    expires_in_days: int | None = None


def make(draft: Draft, *, actor: UUID) -> MadeKey:
    """Make a key of the bound tenant; its token is in the answer and nowhere else. Commits.

    Raises :class:`BadKey` subclasses, :class:`TooManyKeys`, :class:`MadeAlready`.
    """
    name, days = draft.name.strip(), draft.expires_in_days
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadKeyName
    if not draft.scopes or set(draft.scopes) - set(api_keys.SCOPES):
        raise NoScope
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise BadExpiry
    if _working() >= MOST_KEYS:
        raise TooManyKeys(most=MOST_KEYS)
    token = api_keys.new_token(livemode=current_app.extensions["settings"].is_livemode)
    expires_at = None if days is None else clock.now() + timedelta(days=days)
    scopes = [scope for scope in api_keys.SCOPES if scope in draft.scopes]
    try:
        made = api_keys.add(name, scopes, token, actor=actor, expires_at=expires_at, key_id=draft.id)
    except IntegrityError as error:
        db.session.rollback()
        raise MadeAlready from error
    notify("api_key_created", str(made.key.id))
    db.session.commit()
    return made


def revoke(key_id: UUID, *, actor: UUID) -> ApiKey:
    """End a key of the bound tenant now; one that has ended stays so. Commits.

    Raises :class:`portal.errors.NotFound`.
    """
    key = lookups.one(select(ApiKey).where(ApiKey.id == key_id).with_for_update())
    if api_keys.end(key, actor=actor):
        notify("api_key_revoked", str(key.id))
    db.session.commit()
    return key


def state(key: ApiKey) -> str:
    """ "active", "expired" or "revoked"."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= clock.now() else "active"


def _working() -> int:
    has_not_ended = ApiKey.expires_at.is_(None) | (ApiKey.expires_at > func.now())
    wanted = select(func.count()).select_from(ApiKey).where(ApiKey.revoked_at.is_(None), has_not_ended)
    return db.session.scalars(wanted).one()
