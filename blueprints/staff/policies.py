"""Policies: of each plan, and of invoices that stay unpaid."""

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.policies import CollectionPolicyForm, MoneyPolicyForm, PlanPolicyForm
from blueprints.staff import KEEPERS, bp
from portal.billing import money_policy, plan_policies, standing
from portal.billing.plan_policies import BadPlanPolicy, PlanPolicy
from portal.i18n import gettext
from portal.models import Plan
from portal.security.guards import staff
from portal.templating import principal


@bp.get("/policies")
@staff()
def policies() -> ResponseReturnValue:
    return _all()


@bp.post("/policies")
@staff(*KEEPERS)
def change_collection_policy() -> ResponseReturnValue:
    """What follows for every tenant when an invoice stays unpaid."""
    form = CollectionPolicyForm()
    if not form.validate():
        return _all(form, status=422)
    try:
        standing.set_policy(**form.policy(), actor=principal().user_id)
    except standing.BadPolicy as error:
        form.refuse(form.restricted_after_days, gettext(error.message))
        return _all(form, status=error.status)
    return _saved(gettext("The policy for unpaid invoices is saved. It holds within minutes."))


@bp.post("/money-policy")
@staff(*KEEPERS)
def change_money_policy() -> ResponseReturnValue:
    """When two people are needed, and what a dispute does."""
    form = MoneyPolicyForm()
    if not form.validate():
        return _all(money=form, status=422)
    try:
        money_policy.change(form.policy(), actor=principal().user_id)
    except money_policy.BadMoneyPolicy as error:
        form.refuse(form.second_person_above, gettext(error.message))
        return _all(money=form, status=error.status)
    return _saved(gettext("The policy for money that goes back is saved."))


@bp.get("/policies/<plan_id>")
@staff()
def plan_policy(plan_id: str) -> ResponseReturnValue:
    plan = plan_policies.get(plan_id)
    return _one(plan, PlanPolicyForm(formdata=None, obj=PlanPolicy.of(plan)))


@bp.post("/policies/<plan_id>")
@staff(*KEEPERS)
def change_plan_policy(plan_id: str) -> ResponseReturnValue:
    """For everybody who has the plan, from now on."""
    plan, form = plan_policies.get(plan_id), PlanPolicyForm()
    if not form.validate():
        return _one(plan, form, 422)
    try:
        plan_policies.change(plan_id, form.policy(), actor=principal().user_id)
    except BadPlanPolicy as error:
        form.refuse(form.trial_days, gettext(error.message))
        return _one(plan, form, error.status)
    return _saved(gettext("The policy of the plan is saved."))


def _saved(sentence: str) -> Response:
    flash(sentence, "good")
    return redirect(url_for("staff.policies"), 303)  # type: ignore[return-value]  # werkzeug's is a Response


def _all(
    form: CollectionPolicyForm | None = None, *, money: MoneyPolicyForm | None = None, status: int = 200
) -> ResponseReturnValue:
    form = form or CollectionPolicyForm(formdata=None, obj=standing.policy())
    money = money or MoneyPolicyForm(formdata=None, obj=money_policy.current())
    shown = [(plan, PlanPolicyForm(formdata=None, obj=PlanPolicy.of(plan))) for plan in plan_policies.plans()]
    return render_template("staff/policies.html", shown=shown, form=form, money=money, may_write=_may_write()), status


def _one(plan: Plan, form: PlanPolicyForm, status: int = 200) -> ResponseReturnValue:
    return render_template("staff/plan_policy.html", plan=plan, form=form, may_write=_may_write()), status


def _may_write() -> bool:
    return principal().staff_role in KEEPERS
