"""All tenants, and one of them."""

from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue

from blueprints.staff import bp
from portal import overview
from portal.errors import NotFound
from portal.security.guards import staff


@bp.get("/tenants")
@staff()
def tenants() -> ResponseReturnValue:
    return render_template("staff/tenants.html", found=overview.tenants(_after()))


@bp.get("/tenants/<uuid:tenant_id>")
@staff()
def tenant(tenant_id: UUID) -> ResponseReturnValue:
    return render_template("staff/tenant.html", view=overview.tenant(tenant_id))


def _after() -> UUID | None:
    """The cursor; one that nobody was given leads nowhere."""
    given = request.args.get("after")
    try:
        return UUID(given) if given else None
    except ValueError:
        raise NotFound from None
