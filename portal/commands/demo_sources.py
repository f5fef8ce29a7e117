"""The demo's tenants linked to the sandbox's NetBox and Odoo, where they are called the same."""

from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID

from flask import current_app

from portal.config import STRIPE_API_BASE
from portal.errors import DomainError
from portal.sources import connections, links


def link(tenants: Mapping[str, UUID], *, actor: UUID) -> None:
    """Link each tenant, by name, to what is called so at the sources of the settings; only beside a sandbox.

    What is linked stays; a source that does not answer is left out: it can be linked on its page.
    """
    if current_app.extensions["settings"].stripe_api_base == STRIPE_API_BASE:
        return
    for source in connections.listed():
        linked = {seen.link.tenant_id for seen in links.of_source(source.id)}
        waiting = {name: tenant_id for name, tenant_id in tenants.items() if tenant_id not in linked}
        if not waiting or source.archived_at is not None:
            continue
        with suppress(DomainError):
            for target in links.targets(source.id, actor=actor):
                found = [tenant_id for name, tenant_id in waiting.items() if target.name.startswith(name)]
                for tenant_id in found:
                    links.link(source.id, tenant_id, target.id, actor=actor)
