"""Resources: what is metered, how it is shown, what is no longer reported."""

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.resources import AGGREGATIONS, LooksForm, ResourceForm
from blueprints.staff import KEEPERS, bp
from portal.i18n import gettext, viewer
from portal.models import Resource
from portal.security.guards import staff
from portal.templating import principal
from portal.usage import resources as verbs


@bp.get("/resources")
@staff()
def resources() -> ResponseReturnValue:
    after_all = max((each.position for each in verbs.listed()), default=0) + 1
    return _all(ResourceForm(formdata=None, decimals=0, position=min(after_all, verbs.LAST_POSITION)))


@bp.post("/resources")
@staff(*KEEPERS)
def create_resource() -> ResponseReturnValue:
    form = ResourceForm()
    if not form.validate():
        return _all(form, 422)
    code = (form.resource_type.data or "").strip()
    try:
        verbs.create(code, form.aggregation.data, form.looks(), actor=principal().user_id)
    except verbs.BadResource as error:
        form.refuse(form[error.field], gettext(error.message))
        return _all(form, error.status)
    return _saved(gettext("The resource %(code)s can be reported. Give it terms in the plans that have it.", code=code))


@bp.get("/resources/<resource_type>")
@staff()
def resource(resource_type: str) -> ResponseReturnValue:
    found = verbs.get(resource_type)
    return _one(found, LooksForm.of(found))


@bp.post("/resources/<resource_type>")
@staff(*KEEPERS)
def change_resource(resource_type: str) -> ResponseReturnValue:
    found, form = verbs.get(resource_type), LooksForm()
    if not form.validate():
        return _one(found, form, 422)
    try:
        verbs.change(resource_type, form.looks(), actor=principal().user_id)
    except verbs.BadResource as error:
        form.refuse(form[error.field], gettext(error.message))
        return _one(found, form, error.status)
    return _saved(gettext("The resource is saved."))


@bp.post("/resources/<resource_type>/archive")
@staff(*KEEPERS)
def archive_resource(resource_type: str) -> ResponseReturnValue:
    verbs.archive(resource_type, actor=principal().user_id)
    return _saved(gettext("The resource is archived. Reports of it are rejected from now on."))


@bp.post("/resources/<resource_type>/restore")
@staff(*KEEPERS)
def restore_resource(resource_type: str) -> ResponseReturnValue:
    verbs.restore(resource_type, actor=principal().user_id)
    return _saved(gettext("The resource can be reported again."))


def _saved(sentence: str) -> Response:
    flash(sentence, "good")
    return redirect(url_for("staff.resources"), 303)  # type: ignore[return-value]  # werkzeug's is a Response


def _all(form: ResourceForm, status: int = 200) -> ResponseReturnValue:
    shown = [(each, each.name_in(viewer().language)) for each in verbs.listed()]
    return _render("staff/resources.html", shown=shown, form=form), status


def _one(found: Resource, form: LooksForm, status: int = 200) -> ResponseReturnValue:
    return _render("staff/resource.html", resource=found, form=form), status


def _render(template: str, **context: object) -> str:
    return render_template(template, aggregations=AGGREGATIONS, may_write=principal().staff_role in KEEPERS, **context)
