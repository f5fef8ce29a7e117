"""What the issuer's documents look like and say: entered, looked at as a specimen, saved."""

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.branding import BrandingForm
from blueprints.staff import KEEPERS, bp
from portal.i18n import gettext
from portal.invoicing import branding as brands
from portal.invoicing import specimens
from portal.security.guards import staff
from portal.templating import principal


@bp.get("/branding")
@staff(*KEEPERS)
def branding() -> ResponseReturnValue:
    return _page(BrandingForm.of(brands.current()))


@bp.post("/branding")
@staff(*KEEPERS)
def change_branding() -> ResponseReturnValue:
    """For every document that is issued from now on."""
    form = BrandingForm()
    if not form.validate():
        return _page(form, 422)
    try:
        brands.change(form.brand(brands.current()), actor=principal().user_id)
    except brands.BadBranding as error:
        return _refused(form, error)
    flash(gettext("The branding is saved. It holds for what is issued from now on."), "good")
    return redirect(url_for("staff.branding"), 303)


@bp.post("/branding/preview")
@staff(*KEEPERS)
def preview_branding() -> ResponseReturnValue:
    """A specimen as PDF with the values as entered; nothing is saved."""
    form = BrandingForm()
    if not form.validate():
        return _page(form, 422)
    try:
        content = specimens.preview(form.brand(brands.current()), form.preview_language.data)
    except brands.BadBranding as error:
        return _refused(form, error)
    headers = {"Content-Disposition": 'inline; filename="specimen.pdf"', "Cache-Control": "no-store"}
    return Response(content, mimetype="application/pdf", headers=headers)


def _refused(form: BrandingForm, error: brands.BadBranding) -> ResponseReturnValue:
    form.refuse(form[error.field], gettext(error.message))
    return _page(form, error.status)


def _page(form: BrandingForm, status: int = 200) -> ResponseReturnValue:
    has_logo = brands.current().logo is not None
    return render_template("staff/branding.html", form=form, has_logo=has_logo), status
