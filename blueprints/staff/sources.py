"""Sources: the programs that we ask what tenants use."""

from uuid import UUID

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.sources import ConnectionForm, SourceForm
from blueprints.staff import KEEPERS, bp
from portal.errors_http import said
from portal.i18n import gettext
from portal.models import UsageSource
from portal.security.guards import staff
from portal.sources import connections, links
from portal.sources.errors import BadSource, SourceError, sentence_of
from portal.sources.registry import KINDS
from portal.templating import principal


@bp.get("/sources")
@staff()
def sources() -> ResponseReturnValue:
    return _all(SourceForm(formdata=None))


@bp.post("/sources")
@staff(*KEEPERS)
def create_source() -> ResponseReturnValue:
    form = SourceForm()
    if not form.validate():
        return _all(form, 422)
    try:
        made = connections.create(form.kind.data, form.draft(form.kind.data), actor=principal().user_id)
    except BadSource as error:
        form.refuse_for(error, form.kind.data)
        return _all(form, error.status)
    return _to(made, gettext("The source is entered. Test it, then link tenants to it."))


@bp.get("/sources/<uuid:source_id>")
@staff()
def source(source_id: UUID) -> ResponseReturnValue:
    found = connections.seen(source_id)
    return _one(found, ConnectionForm.of(found))


@bp.post("/sources/<uuid:source_id>")
@staff(*KEEPERS)
def change_source(source_id: UUID) -> ResponseReturnValue:
    found, form = connections.seen(source_id), ConnectionForm()
    if not form.validate():
        return _one(found, form, 422)
    try:
        connections.change(source_id, form.draft(found.kind), actor=principal().user_id)
    except BadSource as error:
        form.refuse_for(error, found.kind)
        return _one(found, form, error.status)
    return _to(source_id, gettext("The source is saved."))


@bp.post("/sources/<uuid:source_id>/test")
@staff(*KEEPERS)
def test_source(source_id: UUID) -> ResponseReturnValue:
    try:
        found = connections.test(source_id, actor=principal().user_id)
    except SourceError as error:
        words = said(error)
        return _to(source_id, f"{words['message']} {words['remedy']}", "bad")
    return _to(source_id, gettext("It answers: version %(version)s.", version=found.version))


@bp.post("/sources/<uuid:source_id>/archive")
@staff(*KEEPERS)
def archive_source(source_id: UUID) -> ResponseReturnValue:
    connections.archive(source_id, actor=principal().user_id)
    return _to(source_id, gettext("The source is archived. It is not asked any more."))


@bp.post("/sources/<uuid:source_id>/restore")
@staff(*KEEPERS)
def restore_source(source_id: UUID) -> ResponseReturnValue:
    connections.restore(source_id, actor=principal().user_id)
    return _to(source_id, gettext("The source is asked again every hour."))


def failure(code: str | None) -> dict[str, str]:
    """What a written-down failure says to staff; nothing for none."""
    return said(sentence_of(code)()) if code else {}


def _to(source_id: UUID, sentence: str, tone: str = "good") -> Response:
    flash(sentence, tone)
    return redirect(url_for("staff.source", source_id=source_id), 303)  # type: ignore[return-value]  # werkzeug's


def _all(form: SourceForm, status: int = 200) -> ResponseReturnValue:
    return _render("staff/sources.html", shown=connections.listed(), counted=links.counted(), form=form), status


def _one(found: UsageSource, form: ConnectionForm, status: int = 200) -> ResponseReturnValue:
    shown = links.of_source(found.id)
    return _render("staff/source.html", source=found, links=shown, form=form), status


def _render(template: str, **context: object) -> str:
    may_write = principal().staff_role in KEEPERS
    works = connections.WORKS
    return render_template(template, kinds=KINDS, failure=failure, works=works, may_write=may_write, **context)
