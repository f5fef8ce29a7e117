"""Billing details: who is invoiced and how; what a change applies to is said before it is saved."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.billing_details import BillingDetailsForm
from portal import tax_labels
from portal.billing import billing_details
from portal.billing.billing_details import BadDetails, Details
from portal.i18n import gettext
from portal.security.guards import member
from portal.security.redirects import safe_path
from portal.tax_ids import BadTaxId
from portal.templating import principal

bp = Blueprint("billing_details", __name__, url_prefix="/billing-details")

EDITORS = ("owner", "billing")


@bp.get("")
@member()
def show() -> ResponseReturnValue:
    held = billing_details.current()
    return _page(BillingDetailsForm.of(held), held)


@bp.post("")
@member(*EDITORS)
def change() -> ResponseReturnValue:
    """Save what was entered; back to where somebody came from who had to enter it first."""
    held = billing_details.current()
    form = BillingDetailsForm().offering(held)
    if not form.validate():
        return _page(form, held, 422)
    try:
        billing_details.change(form.details())
    except (BadDetails, BadTaxId) as error:
        form.refuse(form[error.field], gettext(error.message))
        return _page(form, held, error.status)
    flash(gettext("Your billing details are saved."), "good")
    return redirect(safe_path(request.form.get("next", "")) or url_for("billing_details.show"), 303)


@bp.post("/tax")
@member(*EDITORS)
def tax() -> Response:
    """The tax that would follow from the country and tax ID as entered; nothing is saved."""
    return Response(_tax(request.form.get("country", ""), request.form.get("tax_id", "")))


def _tax(country: str, tax_id: str) -> str:
    try:
        outcome, refusal = billing_details.tax_of(country, tax_id), ""
    except BadTaxId as error:
        outcome, refusal = None, gettext(error.message)
    words = "" if outcome is None else tax_labels.sentence(outcome)
    return render_template("billing_details/_tax.html", words=words, refusal=refusal)


def _page(form: BillingDetailsForm, held: Details, status: int = 200) -> ResponseReturnValue:
    shown = render_template(
        "billing_details/page.html",
        form=form,
        kind=billing_details.tax_id_kind(),
        tax=_tax(held.country, held.tax_id),
        effect=billing_details.effect(),
        may_write=principal().role in EDITORS,
        next=safe_path(request.values.get("next", "")) or "",
    )
    return shown, status
