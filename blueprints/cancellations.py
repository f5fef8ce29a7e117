"""Leaving, in one step of ours: when, with how much back, why; and staying after all."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints.forms.cancellations import CancelForm
from portal.billing import cancellations, plan_change_views, smaller_plans
from portal.billing.cancellation_quotes import QuoteGone
from portal.errors import Conflict
from portal.formats import date
from portal.i18n import viewer
from portal.models import Cancellation
from portal.security.guards import member
from portal.templating import page, principal
from portal.usage import summary as usage_summary

bp = Blueprint("cancellations", __name__)

# Somebody was faster, perhaps the same person by a second press.
_OVERTAKEN = (cancellations.NothingToCancel, cancellations.AlreadyLeaving)


@bp.get("/subscription/cancel")
@member("owner", "billing")
def form() -> ResponseReturnValue:
    """What leaving means now; whoever has left already is shown how that stands."""
    try:
        return _page(CancelForm(formdata=None))
    except _OVERTAKEN as error:
        return _say(gettext(error.message))


@bp.post("/subscription/cancel")
@member("owner", "billing")
def cancel() -> ResponseReturnValue:
    """Carry it out. A quote that no longer holds is shown anew, and nothing is canceled.

    A second press, or another tab, is told how it stands.
    """
    sent = CancelForm()
    try:
        if not sent.validate():
            return _page(sent, status=422)
        return _done(_cancel(sent))
    except (QuoteGone, cancellations.PaymentOnItsWay) as error:
        return _page(sent, status=error.status, moved=error)
    except _OVERTAKEN as error:
        return _say(gettext(error.message))


@bp.post("/subscription/keep")
@member("owner", "billing")
def keep() -> ResponseReturnValue:
    """Take the cancellation back; twice is once."""
    try:
        cancellations.keep(actor=principal().user_id)
    except cancellations.NotLeaving as error:
        return _say(gettext(error.message))
    return _say(gettext("Your plan goes on. The cancellation was taken back."), "good")


def _cancel(sent: CancelForm) -> Cancellation:
    return cancellations.cancel(
        "now" if sent.ending.data == "now" else "period_end",
        actor=principal().user_id,
        reason=sent.reason.data or "",
        comment=sent.comment.data or "",
        token=sent.token.data or "",
    )


def _done(row: Cancellation) -> ResponseReturnValue:
    if row.state == "scheduled" and row.ends_at:
        until = date(row.ends_at, viewer().format_locale, "long", viewer().timezone)
        return _say(gettext("Your plan ends on %(date)s. You can keep it until then.", date=until))
    return _say(gettext("Your plan has ended."))


def _say(sentence: str, tone: str = "calm") -> ResponseReturnValue:
    flash(sentence, tone)
    return redirect(url_for("subscription.overview"), 303)


def _page(sent: CancelForm, status: int = 200, moved: Conflict | None = None) -> Response:
    chosen = sent.ending.data or request.form.get("ending") or "period_end"
    quote = cancellations.quote()
    return page(
        "cancellations/page.html",
        "cancellations/_form.html",
        status=status,
        quote=quote,
        beyond_minor=usage_summary.beside(quote.plan, quote.subscription.currency).beyond_minor,
        form=sent,
        coming=plan_change_views.coming(),
        ending=chosen,
        moved=moved,
        smaller=smaller_plans.smaller_plan(),
    )
