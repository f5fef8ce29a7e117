"""Connections to sources: what staff enter, change, test and archive. Keys go in and never come out again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import undefer

from portal import clock, lookups, tenancy
from portal.errors import NotFound
from portal.extensions import db
from portal.models import UsageSource
from portal.security import audit
from portal.sources import http, secrets
from portal.sources.base import Connection, Probe
from portal.sources.errors import BadName, BadSecret, NameTaken, SecretNeeded, SourceError
from portal.sources.registry import of_kind

LONGEST_NAME, LONGEST_SECRET, LONGEST_OPTION = 60, 500, 100
WORKS = "ok"


@dataclass(frozen=True)
class Draft:
    """What staff enter. ``secret``: the key, empty to keep the one that is there. ``key_expires_at``: if they know."""

    name: str
    base_url: str
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    key_expires_at: datetime | None = None

    def checked(self, kind: str, kept_secret: str = "") -> "Draft":
        """The same in its one form. Raises :class:`portal.sources.errors.BadSource` subclasses."""
        name, secret = self.name.strip(), self.secret.strip()
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise BadName
        if len(secret or kept_secret) not in range(1, LONGEST_SECRET + 1) or not _is_word(secret or kept_secret):
            raise BadSecret
        source = of_kind(kind)
        known = {setting.name: self.options.get(setting.name, "").strip() for setting in source.settings}
        options = {name: value[:LONGEST_OPTION] for name, value in known.items() if value}
        url = http.checked_url(self.base_url)
        source.check(Connection(url, secret or kept_secret, options))
        return Draft(name, url, secret, options, self.key_expires_at)

    def said(self) -> dict[str, Any]:
        """All but the secret, for the audit."""
        return {
            "name": self.name,
            "base_url": self.base_url,
            "options": dict(self.options),
            "key_expires_at": self.key_expires_at,
        }


def get(source_id: UUID, *, actor: UUID) -> UsageSource:
    """One of them with its kept secret, for ``actor`` of the staff's admin or finance, whom the database asks for.

    Raises :class:`portal.errors.NotFound`. The object is detached.
    """
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        return _one(source_id)


def connection_of(source: UsageSource) -> Connection:
    """What it takes to speak to it. Raises :class:`portal.sources.errors.KeyRefused`."""
    return Connection(source.base_url, secrets.decrypted(source.secret), source.options)


def create(kind: str, draft: Draft, *, actor: UUID) -> UUID:
    """Enter a connection; nothing is asked of it yet. Commits. Raises BadSource subclasses."""
    checked = draft.checked(kind)
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        row = UsageSource(kind=kind, secret=secrets.encrypted(checked.secret), **checked.said())
        db.session.add(row)
        _flush()
        audit.record("source.create", "usage_source", row.id, after={"kind": kind, **checked.said()})
        db.session.commit()
        return row.id


def change(source_id: UUID, draft: Draft, *, actor: UUID) -> None:
    """Change it from now on. Commits.

    To another address the key has to be entered again: who may change an address must not learn the key that is there.
    Raises BadSource subclasses and :class:`portal.errors.NotFound`.
    """
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        row = _one(source_id, locked=True)
        checked = draft.checked(row.kind, kept_secret="" if draft.secret.strip() else secrets.decrypted(row.secret))
        if not checked.secret and checked.base_url != row.base_url:
            raise SecretNeeded
        before = Draft(row.name, row.base_url, "", row.options, row.key_expires_at).said()
        after = checked.said()
        moved = [name for name in after if before[name] != after[name]]
        for name in moved:
            setattr(row, name, after[name])
        told = {name: after[name] for name in moved}
        if checked.secret:
            row.secret, told["secret"] = secrets.encrypted(checked.secret), "changed"
        if not told:
            return
        row.tested_at, row.test_outcome = None, None
        _flush()
        audit.record("source.change", "usage_source", row.id, before={name: before[name] for name in moved}, after=told)
        db.session.commit()


def archive(source_id: UUID, *, actor: UUID) -> None:
    """Ask it nothing any more; its links stay as they are. Once more does nothing. Commits. Raises NotFound."""
    _set_archived(source_id, "source.archive", clock.now(), actor=actor)


def restore(source_id: UUID, *, actor: UUID) -> None:
    """Ask it again. Once more does nothing. Commits. Raises NotFound."""
    _set_archived(source_id, "source.restore", None, actor=actor)


def test(source_id: UUID, *, actor: UUID) -> Probe:
    """Speak to it once, and write down how that went. Commits.

    Raises :class:`portal.sources.errors.SourceError` subclasses, which are written down as well, and NotFound.
    """
    source = get(source_id, actor=actor)
    try:
        found = of_kind(source.kind).probe(connection_of(source))
    except SourceError as error:
        _note(source_id, error.code, None, actor=actor)
        raise
    _note(source_id, WORKS, found, actor=actor)
    return found


def _note(source_id: UUID, outcome: str, found: Probe | None, *, actor: UUID) -> None:
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        row = _one(source_id, locked=True)
        row.tested_at, row.test_outcome = clock.now(), outcome
        if found is not None:
            row.version = found.version
            row.key_expires_at = found.key_expires_at or row.key_expires_at
        db.session.commit()


def _set_archived(source_id: UUID, verb: str, moment: datetime | None, *, actor: UUID) -> None:
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        row = _one(source_id, locked=True)
        if (row.archived_at is None) == (moment is None):
            return
        row.archived_at = moment
        audit.record(verb, "usage_source", row.id, after={"archived_at": moment})
        db.session.commit()


def _one(source_id: UUID, *, locked: bool = False) -> UsageSource:
    wanted = select(UsageSource).where(UsageSource.id == source_id).options(undefer(UsageSource.secret))
    return lookups.one(wanted.with_for_update() if locked else wanted)


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError as error:
        raise NameTaken from error


def _is_word(text: str) -> bool:
    return text.isprintable() and not any(char.isspace() for char in text)


def seen(source_id: UUID) -> UsageSource:
    """One of them without its secret; reads on the staff's role. Raises NotFound."""
    with tenancy.staff_session() as session:
        found = session.get(UsageSource, source_id)
    if found is None:
        raise NotFound
    return found


def listed() -> Sequence[UsageSource]:
    """All of them without their secrets, archived ones last; reads on the staff's role."""
    wanted = select(UsageSource).order_by(UsageSource.archived_at.is_not(None), UsageSource.name)
    with tenancy.staff_session() as session:
        return session.scalars(wanted).all()
