"""The overview: what the tenant has, what it costs next, what is owed; and going on after a pause."""

from flask import Blueprint, Response, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from blueprints.banners import init_banners
from blueprints.forms.subscriptions import ResumeForm
from portal.billing import plan_changes, summaries, trials
from portal.formats import money
from portal.i18n import gettext, viewer
from portal.security.guards import member
from portal.templating import page, principal
from portal.usage import summary as usage_summary

bp = Blueprint("subscription", __name__)
bp.record_once(lambda state: init_banners(state.app))  # type: ignore[arg-type]  # an App is a Flask

BUYERS = ("owner", "billing")


@bp.get("/")
@member()
def overview() -> Response:
    """The live plan, the next charge and what changed, the latest invoices."""
    summary = summaries.overview()
    return page(
        "subscription/page.html",
        "subscription/_summary.html",
        summary=summary,
        subscription=summary.subscription,
        plan=summary.plan,
        plan_change=plan_changes.under_way(),
        latest=summary.latest,
        usage=_usage(summary),
        may_change=principal().role in BUYERS,
    )


@bp.post("/subscription/resume")
@member("owner", "billing")
def resume() -> ResponseReturnValue:
    """Go on with a paused plan, for the amount that stands on the button."""
    form = ResumeForm()
    if not form.validate():
        return _back(gettext("Reload the page and try again."), "warn")
    try:
        trials.resume(expected_minor=form.amount_minor.data, actor=principal().user_id)
    except trials.ResumeMoved as moved:
        amount = money(moved.params["amount_minor"], moved.params["currency"], viewer().format_locale)
        said = gettext("Going on costs %(amount)s now. Nothing was charged: please confirm it.", amount=amount)
        return _back(said, "warn")
    return _back(gettext("Your plan goes on as soon as the payment is through."), "good")


def _usage(summary: summaries.Summary) -> usage_summary.Beside | None:
    if summary.plan is None or summary.subscription is None or not summary.is_live:
        return None
    return usage_summary.beside(summary.plan, summary.subscription.currency)


def _back(sentence: str, tone: str) -> ResponseReturnValue:
    flash(sentence, tone)
    return redirect(url_for("subscription.overview"), 303)
