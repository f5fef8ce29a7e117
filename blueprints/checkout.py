"""Subscribing: off to Stripe's checkout, and the page that people come back to."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import plans
from portal.billing import checkouts
from portal.i18n import gettext, viewer
from portal.pricing.eligibility import CouponRefused
from portal.security.guards import member
from portal.templating import page, principal

bp = Blueprint("checkout", __name__)


@bp.post("/checkout")
@member("owner", "billing")
def start() -> ResponseReturnValue:
    """Begin to subscribe to the posted plan and interval with the posted coupon, with ``trial=yes`` by its trial.

    Nothing else is read. Where the tax hangs on a country that is missing, it is asked for first. A coupon that was
    used up or changed since the page was shown is told on that page, before anything is bought.
    """
    interval, code = request.form.get("interval", ""), request.form.get("code", "")
    try:
        checkout = checkouts.start(
            request.form.get("plan_id", ""),
            interval,
            actor=principal().user_id,
            language=viewer().language,
            coupon_code=code,
            trial=request.values.get("trial") == "yes",
        )
    except checkouts.CountryMissing as missing:
        flash(gettext(missing.remedy), "warn")
        plans_page = url_for("plans.index", interval=interval or None)
        return redirect(url_for("billing_details.show", next=plans_page), 303)
    except CouponRefused as refused:
        return plans.show(interval, code, refused)
    here = url_for("checkout.progress", checkout_id=checkout.id)
    return redirect(checkout.url or here, 303)


@bp.get("/checkout/<uuid:checkout_id>")
@member()
def progress(checkout_id: UUID) -> Response:
    """Where the checkout stands; looks again by itself until that is final."""
    polls = max(request.args.get("polls", 0, int), 0)
    checkout = checkouts.get(checkout_id)
    if polls == 0:
        checkouts.refresh(checkout)
    # Kept from look to look: whoever waited for the payment page to open is sent on to it at once.
    opening = "opening" in request.args or checkout.state == "preparing"
    seen: dict[str, Any] = {"polls": polls + 1, "opening": 1 if opening else None}
    return page(
        "checkout/page.html",
        "checkout/_progress.html",
        checkout=checkout,
        progress=checkouts.progress(checkout),
        polls=polls,
        opening=opening,
        next_look=url_for("checkout.progress", checkout_id=checkout.id, **seen),
    )


@bp.get("/checkout/<uuid:checkout_id>/back")
@member("owner", "billing")
def back(checkout_id: UUID) -> ResponseReturnValue:
    """Stripe's cancel link: end the checkout quietly and show the plans again."""
    checkout = checkouts.abandon(checkout_id)
    if checkout.state == "complete":
        return redirect(url_for("checkout.progress", checkout_id=checkout.id), 303)
    flash(gettext("You left the checkout."), "calm")
    return redirect(url_for("plans.index"), 303)
