"""Which tenant of a source is which of ours: what would be recorded is seen before it is linked."""

from collections.abc import Mapping
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.sources import LinkForm
from blueprints.staff import KEEPERS, bp
from portal.errors_http import said
from portal.i18n import gettext, viewer
from portal.models import Resource
from portal.security.guards import staff
from portal.sources import connections, links
from portal.sources.base import WHOLE
from portal.sources.errors import BadSource, SourceError
from portal.sources.links import Preview
from portal.templating import principal
from portal.usage import resources


@bp.get("/sources/<uuid:source_id>/link")
@staff(*KEEPERS)
def source_link(source_id: UUID) -> ResponseReturnValue:
    """Both lists; the source's own is asked for now."""
    return _page(source_id, LinkForm(formdata=None))


@bp.post("/sources/<uuid:source_id>/link")
@staff(*KEEPERS)
def link_source(source_id: UUID) -> ResponseReturnValue:
    """``act``: "test" shows what would be recorded, or to link what was shown and nothing else."""
    form, actor = LinkForm(), principal().user_id
    try:
        tenant_id = UUID(form.tenant_id.data or "")
    except ValueError:
        form.refuse(form.tenant_id, gettext("Choose a tenant."))
        return _page(source_id, form, status=422)
    try:
        if request.form.get("act") != "link" or request.form.get("seen") != _choice(form):
            seen = links.preview(source_id, form.external_id.data or "", actor=actor)
            return _page(source_id, form, seen=seen)
        links.link(source_id, tenant_id, form.external_id.data or "", actor=actor)
    except BadSource as error:
        form.refuse(form[error.field], said(error)["message"])
        return _page(source_id, form, status=error.status)
    except SourceError as error:
        return _page(source_id, form, failed=said(error), status=error.status)
    flash(gettext("The tenant is linked. Its first measurement is recorded in a moment, then one every hour."), "good")
    return redirect(url_for("staff.source", source_id=source_id), 303)


def _choice(form: LinkForm) -> str:
    """What figures were shown for; another choice has to be looked at first."""
    return f"{form.tenant_id.data} {form.external_id.data}"


@bp.post("/sources/links/<uuid:link_id>/remove")
@staff(*KEEPERS)
def remove_source_link(link_id: UUID) -> ResponseReturnValue:
    source_id = links.remove(link_id, actor=principal().user_id)
    flash(gettext("The link is removed. What was recorded stays."), "good")
    return redirect(url_for("staff.source", source_id=source_id), 303)


def _page(
    source_id: UUID,
    form: LinkForm,
    *,
    seen: Preview | None = None,
    failed: Mapping[str, str] | None = None,
    status: int = 200,
) -> ResponseReturnValue:
    found = connections.seen(source_id)
    tenants = [(str(tenant_id), name) for tenant_id, name in links.free_tenants(found.kind)]
    targets: list[tuple[str, str]] = []
    try:
        for each in links.targets(source_id, actor=principal().user_id):
            named = gettext("The whole database") if each.id == WHOLE else each.name
            targets.append((each.id, named))
    except SourceError as error:
        failed = said(error)
    measured: dict[str, Resource] = {each.resource_type: each for each in resources.listed()}
    return render_template(
        "staff/source_link.html",
        source=found,
        form=form,
        tenants=tenants,
        targets=targets,
        seen=seen,
        choice=_choice(form),
        failed=failed,
        resources=measured,
        resource_label=_label,
    ), status


def _label(known: Mapping[str, Resource], code: str) -> str:
    """What a resource is called; one that is archived is not recorded."""
    found = known.get(code)
    if found is None:
        return code
    name = found.name_in(viewer().language)
    return gettext("%(name)s (archived, not recorded)", name=name) if found.archived_at else name
