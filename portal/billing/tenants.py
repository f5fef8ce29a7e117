"""Tenants: how they come to be."""

from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from portal import tenancy
from portal.errors import Conflict, Invalid
from portal.extensions import db
from portal.ids import uuid7
from portal.models import BillingDetails, Tenant, TenantSlug
from portal.security import audit


class SlugTaken(Conflict):
    code = "slug_taken"
    message = "This short name is already in use."


class BadSlug(Invalid):
    code = "bad_slug"
    message = "A short name has lower-case letters, digits and hyphens only."


def create(
    name: str,
    slug: str,
    email: str,
    *,
    language: str = "en",
    format_locale: str = "en_US",
    timezone: str = "UTC",
) -> UUID:
    """Create a tenant and return its id. Commits. Raises :class:`SlugTaken`, :class:`BadSlug`."""
    tenant_id = uuid7()
    values = {"language": language, "format_locale": format_locale, "timezone": timezone}
    with tenancy.bound(tenant_id):
        try:
            db.session.execute(insert(Tenant).values(id=tenant_id, name=name, slug=slug, email=email, **values))
            db.session.execute(insert(TenantSlug).values(slug=slug, tenant_id=tenant_id))
            db.session.execute(insert(BillingDetails).values(tenant_id=tenant_id, legal_name=name, email=email))
            audit.record("tenant.create", "tenant", str(tenant_id), after={"name": name, "slug": slug})
            db.session.commit()
        except IntegrityError as error:
            raise BadSlug if "tenants_slug_check" in str(error) else SlugTaken from error
    return tenant_id
