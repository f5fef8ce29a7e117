"""Coupons: the list with their use, making and archiving one."""

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.coupons import CouponForm
from blueprints.staff import KEEPERS, bp
from portal.billing import catalogue, coupon_catalogue
from portal.billing.coupon_catalogue import BadCoupon
from portal.i18n import gettext
from portal.security.guards import staff
from portal.templating import principal


@bp.get("/coupons")
@staff()
def coupons() -> ResponseReturnValue:
    return _page(CouponForm(formdata=None, max_per_tenant=1))


@bp.post("/coupons")
@staff(*KEEPERS)
def create_coupon() -> ResponseReturnValue:
    """Make a coupon, or show the form again with what is wrong."""
    form = CouponForm()
    if not form.validate():
        return _page(form, 422)
    try:
        draft = form.draft()
        coupon_catalogue.create(draft, actor=principal().user_id)
    except BadCoupon as error:
        form.refuse(form[error.field], gettext(error.message))
        return _page(form, error.status)
    flash(gettext("The coupon %(code)s was made. It is being published.", code=draft.code.strip().upper()), "good")
    return redirect(url_for("staff.coupons"), 303)


@bp.post("/coupons/<code>/archive")
@staff(*KEEPERS)
def archive_coupon(code: str) -> ResponseReturnValue:
    coupon_catalogue.archive(code, actor=principal().user_id)
    flash(gettext("The coupon is archived. Whoever has it keeps it."), "good")
    return redirect(url_for("staff.coupons"), 303)


def _page(form: CouponForm, status: int = 200) -> ResponseReturnValue:
    plans = [(offer.plan_id, offer.name) for offer in catalogue.offers() if not offer.is_free]
    return render_template(
        "staff/coupons.html",
        form=form,
        plans=plans,
        uses=coupon_catalogue.uses(),
        currency=current_app.extensions["settings"].currency,
        may_write=principal().staff_role in KEEPERS,
    ), status
