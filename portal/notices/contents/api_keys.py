"""What is said about keys that integrations speak with: whoever did not make one should know."""

from uuid import UUID

from sqlalchemy import select

from portal.extensions import db
from portal.models import ApiKey, Notice, Tenant, User
from portal.notices.message import Button, Fact, Message, NotComposable
from portal.notices.words import address, gettext, moment


def created(notice: Notice) -> Message:
    """A key was made; it can report and read usage from now on."""
    return _about(
        notice,
        gettext("An API key was made"),
        gettext("Whoever has this key can report or read the usage of your organisation, as it was allowed to."),
    )


def revoked(notice: Notice) -> Message:
    """A key was ended; what uses it is refused."""
    return _about(
        notice,
        gettext("An API key was revoked"),
        gettext("It stopped working at once. What still uses it is refused and needs another key."),
    )


def _about(notice: Notice, title: str, text: str) -> Message:
    key = db.session.scalars(select(ApiKey).where(ApiKey.id == UUID(notice.object_id))).one_or_none()
    if key is None:
        raise NotComposable("there is no such key")
    tenant = db.session.get_one(Tenant, notice.tenant_id)
    person = db.session.scalars(select(User.name).where(User.id == key.created_by)).one_or_none()
    return Message(
        subject=title,
        title=title,
        paragraphs=(text, gettext("If nobody of your organisation did this, revoke the key and tell us.")),
        facts=(
            Fact(gettext("Name"), key.name),
            Fact(gettext("Begins with"), key.shown),
            Fact(gettext("May"), ", ".join(key.scopes)),
            *([Fact(gettext("Made by"), person)] if person else []),
            Fact(gettext("Made at"), moment(key.created_at)),
            *([Fact(gettext("Revoked at"), moment(key.revoked_at))] if key.revoked_at else []),
            *([Fact(gettext("Works until"), moment(key.expires_at))] if key.expires_at else []),
        ),
        button=Button(gettext("Open API keys"), address("/api-keys")),
        why=gettext("You receive this mail because you are an owner of %(tenant)s.", tenant=tenant.name),
    )
