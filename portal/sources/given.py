"""Sources that the settings name (``NETBOX_API_URL``, ``ODOO_API_URL``): entered once, so that they can be linked."""

from collections.abc import Iterator

from flask import current_app
from sqlalchemy.dialects.postgresql import insert

from portal.config import Settings
from portal.extensions import db
from portal.ids import uuid7
from portal.models import UsageSource
from portal.sources import secrets
from portal.sources.connections import Draft
from portal.sources.registry import of_kind


def enter() -> int:
    """Enter those that are missing, by kind and name; what staff changed of one that is there stays. Commits.

    Runs as the owner. Returns how many the settings name. Raises BadSource subclasses for one that cannot be used.
    """
    settings: Settings = current_app.extensions["settings"]
    number = 0
    for kind, draft in _drafts(settings):
        checked = draft.checked(kind)
        row = {"id": uuid7(), "kind": kind, "secret": secrets.encrypted(checked.secret), **checked.said()}
        db.session.execute(insert(UsageSource).values(**row).on_conflict_do_nothing())
        number += 1
    db.session.commit()
    return number


def _drafts(settings: Settings) -> Iterator[tuple[str, Draft]]:
    if settings.netbox_api_url and settings.netbox_api_token:
        yield "netbox", Draft(of_kind("netbox").label, settings.netbox_api_url, settings.netbox_api_token)
    if settings.odoo_api_url and settings.odoo_api_key:
        options = {"database": settings.odoo_database, "login": settings.odoo_login}
        yield "odoo", Draft(of_kind("odoo").label, settings.odoo_api_url, settings.odoo_api_key, options)
