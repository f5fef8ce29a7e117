"""Taxes: who works them out, the rates by country, and which tenants are exempt."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from blueprints.forms.taxes import ExemptionForm, TaxModeForm, TaxRateForm
from blueprints.staff import KEEPERS, bp
from portal import lookups, tax_labels, tax_terms, tenancy
from portal.billing import billing_details, tax_exemptions, tax_settings
from portal.billing.tax_exemptions import ExemptionReasonMissing
from portal.billing.tax_settings import BadTaxRate, RateTaken
from portal.i18n import gettext
from portal.models import Tenant
from portal.security.guards import staff
from portal.templating import principal


@bp.get("/taxes")
@staff()
def taxes() -> ResponseReturnValue:
    return _page()


@bp.post("/taxes")
@staff(*KEEPERS)
def change_tax_mode() -> ResponseReturnValue:
    """For every invoice that is made from now on; running subscriptions follow within hours."""
    form = TaxModeForm()
    if not form.validate():
        return _page(mode=form, status=422)
    tax_settings.set_mode(form.mode.data, eu_rules=form.eu_rules.data, actor=principal().user_id)
    return _saved(gettext("Saved. Running subscriptions follow one after the other, with their next invoice."))


@bp.post("/taxes/rates")
@staff(*KEEPERS)
def add_tax_rate() -> ResponseReturnValue:
    form = TaxRateForm().offering("")
    if not form.validate():
        return _page(rate=form, status=422)
    try:
        tax_settings.add_rate(form.rate(), actor=principal().user_id)
    except BadTaxRate as error:
        form.refuse(form[error.field], gettext(error.message))
        return _page(rate=form, status=error.status)
    except RateTaken as error:
        form.refuse(form.country, f"{gettext(error.message)} {gettext(error.remedy)}")
        return _page(rate=form, status=error.status)
    return _saved(gettext("The rate holds from each subscription's next invoice on."))


@bp.post("/taxes/rates/end")
@staff(*KEEPERS)
def end_tax_rate() -> ResponseReturnValue:
    """The posted ``country``'s rate for the posted ``customers``."""
    country, customers = request.form.get("country", ""), request.form.get("customers", "")
    tax_settings.retire_rate(country, customers, actor=principal().user_id)
    return _saved(gettext("The rate is ended, from each subscription's next invoice on."))


@bp.get("/tenants/<uuid:tenant_id>/tax")
@staff()
def tenant_tax(tenant_id: UUID) -> ResponseReturnValue:
    return _tenant_page(tenant_id, ExemptionForm(formdata=None))


@bp.post("/tenants/<uuid:tenant_id>/tax/exemption")
@staff(*KEEPERS)
def exempt_tenant(tenant_id: UUID) -> ResponseReturnValue:
    """From its next invoice on the tenant pays no tax, and its invoices say why."""
    form = ExemptionForm()
    if not form.validate():
        return _tenant_page(tenant_id, form, 422)
    try:
        with _bound(tenant_id):
            tax_exemptions.grant(form.reason.data, actor=principal().user_id)
    except ExemptionReasonMissing as error:
        form.refuse(form.reason, gettext(error.message))
        return _tenant_page(tenant_id, form, error.status)
    flash(gettext("The tenant is exempt, from its next invoice on."), "good")
    return redirect(url_for("staff.tenant_tax", tenant_id=tenant_id), 303)


@bp.post("/tenants/<uuid:tenant_id>/tax/exemption/end")
@staff(*KEEPERS)
def end_tenant_exemption(tenant_id: UUID) -> ResponseReturnValue:
    with _bound(tenant_id):
        tax_exemptions.end(actor=principal().user_id)
    flash(gettext("The exemption is ended, from the next invoice on."), "good")
    return redirect(url_for("staff.tenant_tax", tenant_id=tenant_id), 303)


@contextmanager
def _bound(tenant_id: UUID) -> Iterator[Tenant]:
    """Bound to a tenant that is there, as the staff's person. Raises :class:`portal.errors.NotFound`."""
    with tenancy.bound(tenant_id, user_id=principal().user_id, request_token=uuid4()):
        yield lookups.one(select(Tenant).where(Tenant.id == tenant_id))


def _saved(sentence: str) -> ResponseReturnValue:
    flash(sentence, "good")
    return redirect(url_for("staff.taxes"), 303)


def _page(
    *, mode: TaxModeForm | None = None, rate: TaxRateForm | None = None, status: int = 200
) -> ResponseReturnValue:
    policy = tax_terms.policy()
    shown = render_template(
        "staff/taxes.html",
        policy=policy,
        rates=tax_terms.rates(),
        words=tax_labels,
        mode=mode or TaxModeForm.of(policy),
        rate=rate or TaxRateForm(formdata=None).offering(policy.home),
        may_write=_may_write(),
    )
    return shown, status


def _tenant_page(tenant_id: UUID, form: ExemptionForm, status: int = 200) -> ResponseReturnValue:
    with _bound(tenant_id) as tenant:
        shown = render_template(
            "staff/tenant_tax.html",
            tenant=tenant,
            details=billing_details.current(),
            outcome=tax_labels.sentence(tax_terms.current()),
            exemption=tax_terms.exemption(),
            words=tax_labels,
            form=form,
            may_write=_may_write(),
        )
    return shown, status


def _may_write() -> bool:
    return principal().staff_role in KEEPERS
