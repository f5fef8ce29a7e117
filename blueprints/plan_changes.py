"""Changing the plan: what it costs, confirming it, and taking it back."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.billing import plan_change_errors as errors
from portal.billing import plan_change_views, plan_changes
from portal.errors import Invalid
from portal.i18n import gettext
from portal.security.guards import member
from portal.templating import page, principal

bp = Blueprint("plan_changes", __name__)


@bp.get("/plan-changes/new")
@member("owner", "billing")
def new() -> ResponseReturnValue:
    """An offer for the plan, interval and quantity of the query, on a page of its own; the same one when repeated."""
    asked = {name: request.args.get(name, "") for name in ("plan_id", "interval")}
    quantity = request.args.get("quantity", "1")
    try:
        change = plan_changes.quote(asked["plan_id"], asked["interval"], quantity, actor=principal().user_id)
    except errors.GoesToCheckout:
        return redirect(url_for("plans.index", interval=asked["interval"]))
    except errors.ChangeUnderWay:
        if (busy := plan_changes.under_way()) is None:
            raise
        return redirect(url_for("plan_changes.show", plan_change_id=busy.id))
    except Invalid as error:
        return _refused(error, asked=asked, quantity=quantity)
    return redirect(url_for("plan_changes.show", plan_change_id=change.id))


@bp.get("/plan-changes/<uuid:plan_change_id>")
@member()
def show(plan_change_id: UUID) -> Response:
    """An offer, or what became of it; looks again by itself while something is awaited."""
    polls = max(request.args.get("polls", 0, int), 0)
    view = plan_change_views.view(plan_change_id)
    if polls == 0:
        plan_changes.refresh(view.change)
    return page(
        "plan_changes/page.html",
        "plan_changes/_change.html",
        view=view,
        polls=polls,
        next_look=url_for("plan_changes.show", plan_change_id=plan_change_id, polls=polls + 1),
        may_act=principal().role in ("owner", "billing"),
    )


@bp.post("/plan-changes/<uuid:plan_change_id>/confirm")
@member("owner", "billing")
def confirm(plan_change_id: UUID) -> ResponseReturnValue:
    """Carry it out as it was quoted; where that does not hold any more, on to the new offer."""
    try:
        change = plan_changes.confirm(plan_change_id, actor=principal().user_id)
    except (errors.QuoteExpired, errors.QuoteMoved) as error:
        newer = error.params["replacement"] or plan_change_id
        return redirect(url_for("plan_changes.show", plan_change_id=newer), 303)
    _say(change.state)
    return redirect(url_for("plan_changes.show", plan_change_id=change.id), 303)


@bp.post("/plan-changes/<uuid:plan_change_id>/cancel")
@member("owner", "billing")
def cancel(plan_change_id: UUID) -> ResponseReturnValue:
    """Take back what is scheduled, or give up what waits for its payment."""
    change = plan_changes.cancel(plan_change_id, actor=principal().user_id)
    _say(change.state)
    return redirect(url_for("plan_changes.show", plan_change_id=change.id), 303)


def _refused(error: Invalid, **asked: Any) -> Response:
    template = "plan_changes/refused.html"
    message = gettext(error.message) % error.params
    remedy = gettext(error.remedy) if error.remedy else ""
    return page(template, template, error.status, code=error.code, message=message, remedy=remedy, **asked)


def _say(state: str) -> None:
    sentences = {
        "applied": gettext("Your plan is changed."),
        "scheduled": gettext("The change is scheduled."),
        "canceled": gettext("The change was taken back."),
    }
    if state in sentences:
        flash(sentences[state], "good")
