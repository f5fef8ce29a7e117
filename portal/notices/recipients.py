"""Who is told: addresses of the bound tenant, each once, each with its own language and formats."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import select

from portal import tenancy
from portal.config import LANGUAGES
from portal.extensions import db
from portal.i18n import Viewer
from portal.models import BillingDetails, Membership, Tenant, User


@dataclass(frozen=True)
class Recipient:
    """An address and how its owner reads. Addresses are compared, and kept, in lower case."""

    address: str
    reader: Viewer

    @classmethod
    def of(cls, address: str, person: Tenant | User) -> Self:
        """An address that reads as a tenant or a user does."""
        language = person.language if person.language in LANGUAGES else "en"
        return cls(address.strip().lower(), Viewer(language, person.format_locale, person.timezone))

    def to_json(self) -> dict[str, Any]:
        """How it reads, for ``notices.params``: what was meant when it was said, whatever is changed later."""
        return {"format_locale": self.reader.format_locale, "timezone": self.reader.timezone}


def reader_of(language: str, stored: dict[str, Any]) -> Viewer:
    """The reader that :meth:`Recipient.to_json` kept."""
    return Viewer(language, stored.get("format_locale", "en_US"), stored.get("timezone", "UTC"))


def members_and_contact(roles: Iterable[str], *, with_contact: bool) -> list[Recipient]:
    """The bound tenant's active members of ``roles`` and its billing addresses, sorted by address.

    A member whose address is also a billing address is told once, in the member's own language.
    """
    tenant = db.session.get_one(Tenant, tenancy.require_tenant())
    found = {person.address: person for person in _members(roles)}
    if with_contact:
        for address in _billing_addresses(tenant):
            contact = Recipient.of(address, tenant)
            found.setdefault(contact.address, contact)
    # Sorted: two transactions that insert the same notices in different order would lock each other out.
    return sorted(found.values(), key=lambda recipient: recipient.address)


def _members(roles: Iterable[str]) -> list[Recipient]:
    users = db.session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.tenant_id == tenancy.require_tenant(),
            Membership.role.in_(tuple(roles)),
            User.disabled_at.is_(None),
        )
    )
    return [Recipient.of(user.email, user) for user in users]


def _billing_addresses(tenant: Tenant) -> list[str]:
    details = db.session.get(BillingDetails, tenant.id)
    if details is None:
        return [tenant.email]
    return [details.email if details.email.strip() else tenant.email, *details.copies]
