"""Terms: what each plan includes of each resource, and what more costs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.plan_terms import TermsForm, Unreadable
from blueprints.staff import KEEPERS, bp
from portal.billing import plan_policies
from portal.errors_http import said
from portal.i18n import gettext, viewer
from portal.models import Plan, Resource
from portal.security.guards import staff
from portal.templating import principal
from portal.usage import plan_terms, resources
from portal.usage import terms as granted
from portal.usage.plan_terms import BadTerms, Draft


@bp.get("/terms")
@staff()
def terms() -> ResponseReturnValue:
    """Every plan beside every resource."""
    offered = [resource for resource in resources.listed() if resource.archived_at is None]
    shown = [(plan, granted.of_plan(plan), plan_terms.currency_of(plan)) for plan in plan_policies.plans()]
    return render_template("staff/terms.html", shown=shown, resources=offered)


@bp.get("/terms/<plan_id>/<resource_type>")
@staff()
def plan_terms_page(plan_id: str, resource_type: str) -> ResponseReturnValue:
    plan, resource, draft = _found(plan_id, resource_type)
    form = TermsForm.of(draft or Draft(Decimal(0)))
    return _page(plan, resource, form, draft=draft, quantities=draft.telling() if draft else ())


@bp.post("/terms/<plan_id>/<resource_type>")
@staff(*KEEPERS)
def change_plan_terms(plan_id: str, resource_type: str) -> ResponseReturnValue:
    """``act``: "more" rows, a "preview" of what is entered, or to save it."""
    plan, resource, _now = _found(plan_id, resource_type)
    form, act = TermsForm.sent(), request.form.get("act", "save")
    if act == "more":
        return _page(plan, resource, form)
    try:
        draft, quantities = form.read()
        plan_terms.check(draft, plan)
        if act == "preview":
            return _page(plan, resource, form, draft=draft, quantities=quantities or draft.telling())
        plan_terms.change(plan_id, resource_type, draft, actor=principal().user_id)
    except Unreadable:
        return _page(plan, resource, form, 422)
    except BadTerms as error:
        form.faults.append((error.field, said(error)["message"]))
        return _page(plan, resource, form, error.status)
    saved = gettext(
        "The terms are saved. Limits hold at once; what is billed goes by them in the periods that begin from now on."
    )
    flash(saved, "good")
    return redirect(url_for("staff.terms"), 303)


@bp.post("/terms/<plan_id>/<resource_type>/remove")
@staff(*KEEPERS)
def remove_plan_terms(plan_id: str, resource_type: str) -> ResponseReturnValue:
    plan_terms.remove(plan_id, resource_type, actor=principal().user_id)
    flash(gettext("The plan has nothing of it any more."), "good")
    return redirect(url_for("staff.terms"), 303)


def _found(plan_id: str, resource_type: str) -> tuple[Plan, Resource, Draft | None]:
    plan, now = plan_terms.of_plan(plan_id)
    resource = resources.get(resource_type)
    found = now.get(resource_type)
    return plan, resource, None if found is None else Draft.of(found)


def _page(
    plan: Plan,
    resource: Resource,
    form: TermsForm,
    status: int = 200,
    *,
    draft: Draft | None = None,
    quantities: Sequence[Decimal] = (),
) -> ResponseReturnValue:
    currency = plan_terms.currency_of(plan)
    form.spread(currency)
    preview: dict[str, Any] = {}
    if draft is not None:
        would = draft.as_terms(resource)
        codes = list(draft.tiers) or [currency]
        preview = {code: [would.price(quantity, code) for quantity in quantities] for code in codes}
    return render_template(
        "staff/plan_terms.html",
        plan=plan,
        resource=resource,
        name=resource.name_in(viewer().language),
        form=form,
        currency=currency,
        draft=draft,
        preview=preview,
        may_write=principal().staff_role in KEEPERS,
    ), status
