"""Coupons on the running subscription: see what one saves, use it, take it off again."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.discounts import DiscountForm
from portal.billing import discounts, subscriptions
from portal.billing.discounts import Quote
from portal.errors import Conflict, DomainError
from portal.errors_http import said
from portal.i18n import gettext
from portal.pricing.eligibility import CouponRefused
from portal.security.guards import member
from portal.templating import page, principal

bp = Blueprint("coupons", __name__, url_prefix="/coupons")

KEEPERS = ("owner", "billing")


@bp.get("")
@member()
def index() -> Response:
    """What runs now; with ``code``, what that coupon would save on the invoices to come."""
    code = request.args.get("code", "")
    if not code or principal().role not in KEEPERS:
        return _page()
    try:
        return _page(code=code, quote=discounts.quote(code))
    except (CouponRefused, Conflict) as refused:
        return _page(code=code, refused=refused)


@bp.post("")
@member(*KEEPERS)
def use() -> ResponseReturnValue:
    """Use the coupon whose saving was shown; another saving is shown again instead of being used."""
    form = DiscountForm()
    code = form.code.data or ""
    try:
        if not form.validate() or form.saving_minor.data is None:
            return _page(code=code, quote=discounts.quote(code), status=422)
        discounts.apply(code, actor=principal().user_id, shown_saving_minor=form.saving_minor.data)
    except discounts.SavingChanged as changed:
        return _page(code=code, quote=discounts.quote(code), refused=changed)
    except (CouponRefused, Conflict) as refused:
        return _page(code=code, refused=refused)
    flash(gettext("The coupon is active. Your next invoice shows the discount."), "good")
    return redirect(url_for("coupons.index"), 303)


@bp.post("/<uuid:redemption_id>/remove")
@member(*KEEPERS)
def remove(redemption_id: UUID) -> ResponseReturnValue:
    discounts.remove(redemption_id, actor=principal().user_id)
    flash(gettext("The discount is removed. Invoices that have it already keep it."), "good")
    return redirect(url_for("coupons.index"), 303)


def _page(
    *, code: str = "", quote: Quote | None = None, refused: DomainError | None = None, status: int = 200
) -> Response:
    """``refused`` decides about the status, where there is one."""
    subscription = subscriptions.live_subscription()
    return page(
        "coupons/page.html",
        "coupons/_discounts.html",
        status=status if refused is None else 422,
        subscription=subscription,
        plan=None if subscription is None else subscriptions.plan_of(subscription),
        running=[] if subscription is None else discounts.running(subscription),
        code=code,
        quote=quote,
        refused=None if refused is None else said(refused),
        may_change=principal().role in KEEPERS,
    )
