"""Coupons on running subscriptions over months: what was shown before is what the invoices say."""

import time
from decimal import Decimal

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import checkouts, discounts, summaries
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.errors import PaymentServiceUnavailable, StripeFailure
from portal.models import CouponRedemption, Invoice, Notice
from portal.pricing import eligibility
from tests.support import changing, coupons, database
from tests.support.shopping import ACTOR, start

PERCENT, FIXED = {"percent_off": Decimal("12.50")}, {"amounts_off": {"usd": 1000}}
ONCE, TWICE, EVER = (
    {"duration": "once"},
    {"duration": "repeating", "duration_in_months": 2},
    {"duration": "forever"},
)


def quote(life, code="SAVE20"):
    with tenancy.bound(life.tenant_id):
        return discounts.quote(code)


def apply(life, code="SAVE20", shown=None):
    with tenancy.bound(life.tenant_id):
        made = discounts.apply(code, actor=ACTOR, shown_saving_minor=shown)
    life.hear()
    return made


def remove(life, redemption):
    with tenancy.bound(life.tenant_id):
        discounts.remove(redemption.id, actor=ACTOR)
    life.hear()


def running(life):
    with tenancy.bound(life.tenant_id):
        return discounts.running(live_subscription())


def savings(life):
    """Of the invoices so far, the oldest first."""
    with tenancy.bound(life.tenant_id):
        return [row.discount_minor for row in db.session.scalars(select(Invoice).order_by(Invoice.created_at))]


@pytest.mark.parametrize("takes", [PERCENT, FIXED], ids=["percent", "fixed"])
@pytest.mark.parametrize(("lasts", "invoices"), [(ONCE, 1), (TWICE, 2), (EVER, 3)], ids=["once", "two months", "ever"])
def test_each_invoice_saves_what_was_shown(life, takes, lasts, invoices):
    coupon = coupons.make(life.web, **takes, **lasts)
    life.buy()
    life.advance(days=10)
    shown = quote(life)
    saving = 363 if "percent_off" in takes else 1000  # 12.5 % of 29.00 is 3.625
    assert [each.saving_minor for each in shown.invoices] == [saving] * invoices + [0] * (3 - invoices)
    assert (shown.before_minor, shown.saving_minor, shown.total_minor) == (2900, saving, 2900 - saving)
    assert shown.invoices[0].at == life.subscription.current_period_end
    redemption = apply(life, shown=shown.saving_minor)
    [now] = running(life)
    assert (now.state, now.code, now.invoices_left) == ("running", "SAVE20", None if invoices == 3 else invoices)
    for each in shown.invoices:
        life.advance_to(each.at)
        life.advance(hours=2)
    assert savings(life) == [0, *[each.saving_minor for each in shown.invoices]]
    assert bool(running(life)) == (invoices == 3)
    assert coupons.redemptions(life.tenant_id)[0].id == redemption.id
    assert coupons.states(life.tenant_id) == ["redeemed"]
    with pytest.raises(discounts.DiscountRunning if invoices == 3 else eligibility.CouponAlreadyUsed):
        quote(life, coupon.code)


def changes(life):
    """What the overview says of the next invoice beside the last one."""
    with tenancy.bound(life.tenant_id):
        told = summaries.overview().changes
        return [(line.kind, line.description, line.before_minor, line.after_minor) for line in told.lines]


def test_used_at_checkout_it_shows_what_remains_and_goes_on(life):
    coupons.make(life.web, **TWICE)
    checkout = start(life.tenant_id, coupon="SAVE20")
    life.sandbox.pay(checkout.stripe_session_id)
    life.land(checkout)
    [now] = running(life)
    assert (now.invoices_left, now.redemption.checkout_id) == (1, checkout.id)
    assert changes(life) == []
    life.advance(days=32)
    assert running(life) == []  # it lasts to the end of this period, and no invoice comes before
    assert changes(life) == [("discount", "Save20", -580, None)]  # and the page says so
    life.advance(days=31)
    assert savings(life) == [580, 580, 0]
    assert running(life) == []


def test_what_took_nothing_off_is_not_shown(life):
    """The credit for a discounted month names its discount, which takes nothing more off and is not the invoice's."""
    coupons.make(life.web, **PERCENT, **ONCE, automatic=True)
    life.buy()
    life.advance(days=10)
    changing.confirm(life.tenant_id, changing.quote(life.tenant_id, "professional"))
    life.hear()
    with tenancy.bound(life.tenant_id):
        first, second = db.session.scalars(select(Invoice).order_by(Invoice.created_at))
        assert [entry["amount_minor"] for entry in first.discounts] == [363]
        assert second.discounts == []
    assert [kind for kind, *_line in changes(life)] == ["line"] * 3


def test_removed_the_next_invoice_is_whole_again(life):
    coupons.make(life.web, **EVER)
    life.buy()
    redemption = apply(life)
    life.advance(days=32)
    remove(life, redemption)
    remove(life, redemption)
    assert running(life) == []
    life.advance(days=31)
    assert savings(life) == [0, 580, 0]
    assert coupons.states(life.tenant_id) == ["redeemed"]
    with tenancy.bound(life.tenant_id):
        kinds = db.session.scalars(select(Notice.kind).where(Notice.kind.like("discount%")).order_by(Notice.kind))
        assert kinds.all() == ["discount_added", "discount_removed"]


def test_a_discount_given_at_stripe_is_shown_and_not_lost(life):
    coupons.make(life.web, **EVER)
    life.buy()
    redemption = apply(life)
    subscription = life.subscription
    given = life._post("coupons", percent_off=5, duration="forever", name="Sorry")
    kept = subscription.discounts[0]["id"]
    life._post(
        f"subscriptions/{subscription.stripe_subscription_id}",
        **{"discounts[0][discount]": kept, "discounts[1][coupon]": given["id"]},
    )
    life.hear()
    assert [(row.name, row.code) for row in running(life)] == [("Save20", "SAVE20"), ("Sorry", None)]
    remove(life, redemption)
    assert [(row.name, row.code) for row in running(life)] == [("Sorry", None)]


def test_refusals(life):
    coupons.make(life.web)
    coupons.make(life.web, "FIRST", first_time_only=True)
    coupons.make(life.web, "LARGE", minimum_amounts={"usd": 5000})
    coupons.make(life.web, "EVER", **EVER)
    with pytest.raises(discounts.NoSubscription):
        quote(life)
    life.buy()
    for code, reason in (
        ("FIRST", eligibility.CouponForFirstPurchase),
        ("LARGE", eligibility.CouponBelowMinimum),
        ("NOPE", eligibility.UnknownCoupon),
        ("", eligibility.UnknownCoupon),
    ):
        with pytest.raises(reason):
            quote(life, code)
    with pytest.raises(discounts.SavingChanged):
        apply(life, shown=579)
    assert coupons.states(life.tenant_id) == []
    apply(life, "EVER")
    with pytest.raises(discounts.DiscountRunning):
        apply(life)
    life._post(f"subscriptions/{life.subscription.stripe_subscription_id}", cancel_at_period_end="true")
    life.hear()


def test_no_further_invoice(life):
    coupons.make(life.web)
    life.buy()
    life._post(f"subscriptions/{life.subscription.stripe_subscription_id}", cancel_at_period_end="true")
    life.hear()
    with pytest.raises(discounts.NoFurtherInvoice):
        quote(life)


def test_a_lost_answer_is_asked_for_again_with_the_same_key(life):
    coupons.make(life.web)
    life.buy()
    life.sandbox.post("fail", match="POST /v1/subscriptions/*", mode="drop_after_effect")
    with pytest.raises(PaymentServiceUnavailable):
        apply(life)
    with pytest.raises(discounts.DiscountRunning):  # another tab must not use a second one
        quote(life)
    database.let_time_pass(life.web.extensions["settings"])
    life.hear()
    assert coupons.states(life.tenant_id) == ["redeemed"]
    assert len(life.subscription.discounts) == 1


def test_what_stripe_refuses_is_released(life):
    coupon = coupons.make(life.web)
    life.buy()
    life.sandbox.post("fail", match="POST /v1/subscriptions/*", mode="400")
    with pytest.raises(StripeFailure):
        apply(life)
    assert coupons.states(life.tenant_id) == ["released"]
    apply(life, coupon.code)
    assert coupons.states(life.tenant_id) == ["released", "redeemed"]


def test_past_the_life_of_its_key_stripe_is_asked_first(life):
    """Carried out twice, it would be a second discount that begins anew."""
    coupons.make(life.web, **EVER)
    life.buy()
    life.sandbox.post("fail", match="POST /v1/subscriptions/*", mode="drop_after_effect")
    with pytest.raises(PaymentServiceUnavailable):
        apply(life)
    settings = life.web.extensions["settings"]
    database.as_owner(settings, "UPDATE coupon_redemptions SET created_at = created_at - interval '1 day'")
    before = life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")["discounts"]
    database.let_time_pass(settings)
    life.hear()
    assert coupons.states(life.tenant_id) == ["redeemed"]
    assert life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")["discounts"] == before


def test_a_removal_that_stripe_refuses_can_be_asked_for_again(life):
    coupons.make(life.web, **EVER)
    life.buy()
    redemption = apply(life)
    life.sandbox.post("fail", match="POST /v1/subscriptions/*", mode="400")
    with pytest.raises(StripeFailure):
        remove(life, redemption)
    assert [row.state for row in running(life)] == ["running"]
    time.sleep(1.1)  # keys of removals differ by their second
    remove(life, redemption)
    assert running(life) == []


def test_the_last_one_was_taken_between_showing_and_saving(life):
    coupons.make(life.web, max_redemptions=1)
    life.buy()
    shown = quote(life)
    from tests.support.shopping import make_tenant

    start(make_tenant(), coupon="SAVE20")
    with pytest.raises(eligibility.CouponUsedUp):
        apply(life, shown=shown.saving_minor)
    with tenancy.bound(life.tenant_id):
        assert db.session.scalars(select(CouponRedemption)).all() == []


def test_in_a_trial_it_waits_for_the_first_charge(life):
    coupons.make(life.web)
    life.buy()
    subscription = life.subscription
    end = int(life.now.timestamp()) + 10 * 86400
    life._post(f"subscriptions/{subscription.stripe_subscription_id}", trial_end=end, proration_behavior="none")
    life.hear()
    assert life.subscription.status == "trialing"
    shown = quote(life)
    apply(life, shown=shown.saving_minor)
    life.advance(days=11)
    assert savings(life)[-1] == shown.saving_minor == 580


def test_a_trial_begun_with_it_pays_less_when_it_is_over(life):
    coupons.make(life.web)
    with tenancy.bound(life.tenant_id):
        checkouts.start("starter", "month", actor=ACTOR, language="en", coupon_code="SAVE20", trial=True)
    life.hear()
    assert life.subscription.status == "trialing"
    [now] = running(life)
    assert (now.code, now.invoices_left) == ("SAVE20", 1)
    customer = life.customer.stripe_customer_id
    card = gateway().write(lambda s: s.v1.payment_methods.attach("pm_card_visa", {"customer": customer})).id
    gateway().write(lambda s: s.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": card}}))
    life.hear()
    assert life.subscription.next_amount_minor == 2900 - 580
    life.advance(days=15)
    assert (life.subscription.status, savings(life)) == ("active", [0, 580])
    assert coupons.states(life.tenant_id) == ["redeemed"]
