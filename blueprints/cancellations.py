"""Leaving, in one step of ours: when, with how much back, why; and staying after all."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from blueprints.forms.cancellations import CancelForm
from portal.billing import cancellations, catalogue
from portal.billing.cancellation_quotes import Quote, QuoteGone
from portal.billing.catalogue import Offer
from portal.formats import date
from portal.i18n import viewer
from portal.security.guards import member
from portal.templating import page, principal

bp = Blueprint("cancellations", __name__)


@bp.get("/subscription/cancel")
@member("owner", "billing")
def form() -> ResponseReturnValue:
    """What leaving means now; whoever has left already is shown how that stands."""
    try:
        quote = cancellations.quote()
    except (cancellations.NothingToCancel, cancellations.AlreadyLeaving) as error:
        flash(gettext(error.message), "calm")
        return redirect(url_for("subscription.overview"), 303)
    return _page(quote, CancelForm(formdata=None))


@bp.post("/subscription/cancel")
@member("owner", "billing")
def cancel() -> ResponseReturnValue:
    """Carry it out. A quote that no longer holds is shown anew, and nothing is canceled."""
    sent = CancelForm()
    if not sent.validate():
        return _page(cancellations.quote(), sent, status=422)
    try:
        row = cancellations.cancel(
            "now" if sent.ending.data == "now" else "period_end",
            actor=principal().user_id,
            reason=sent.reason.data or "",
            comment=sent.comment.data or "",
            token=sent.token.data or "",
        )
    except QuoteGone as error:
        return _page(cancellations.quote(), sent, status=error.status, moved=error)
    if row.state == "scheduled" and row.ends_at:
        until = date(row.ends_at, viewer().format_locale, "long", viewer().timezone)
        flash(gettext("Your plan ends on %(date)s. You can keep it until then.", date=until), "calm")
    else:
        flash(gettext("Your plan has ended."), "calm")
    return redirect(url_for("subscription.overview"), 303)


@bp.post("/subscription/keep")
@member("owner", "billing")
def keep() -> ResponseReturnValue:
    """Take the cancellation back."""
    cancellations.keep(actor=principal().user_id)
    flash(gettext("Your plan goes on. The cancellation was taken back."), "good")
    return redirect(url_for("subscription.overview"), 303)


def _page(quote: Quote, sent: CancelForm, status: int = 200, moved: QuoteGone | None = None) -> Response:
    chosen = sent.ending.data or request.form.get("ending") or "period_end"
    return page(
        "cancellations/page.html",
        "cancellations/_form.html",
        status=status,
        quote=quote,
        form=sent,
        ending=chosen,
        moved=moved,
        cheaper=_cheaper(quote),
    )


def _cheaper(quote: Quote) -> tuple[Offer, int] | None:
    """The dearest plan on sale that costs less than the one that is left, with its price per interval."""
    subscription = quote.subscription
    found = [
        (offer, offer.prices[subscription.interval].unit_amount_minor)
        for offer in catalogue.offers()
        if subscription.interval in offer.prices and offer.plan_id != subscription.plan_id
    ]
    less = [entry for entry in found if entry[1] < subscription.unit_amount_minor]
    return max(less, key=lambda entry: entry[1], default=None)
