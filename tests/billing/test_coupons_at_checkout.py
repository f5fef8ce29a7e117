"""Coupons at checkout: reserved when it begins, redeemed by payment, released when nobody can pay any more."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from portal import tenancy
from portal.billing import checkouts
from portal.extensions import db
from portal.gateway.errors import PaymentServiceUnavailable, StripeFailure
from portal.models import Checkout, CouponRedemption, DriftFinding, Invoice, OutboxRow
from portal.pricing import eligibility
from tests.support import coupons, database
from tests.support.shopping import buy, land, make_tenant, start
from tests.support.threads import app_of, side_by_side


def session_of(stripe_sandbox, checkout):
    [found] = [each for each in stripe_sandbox.listed("checkout/sessions") if each["id"] == checkout.stripe_session_id]
    return found


def pay(tenant, checkout, stripe_sandbox, drain):
    stripe_sandbox.pay(checkout.stripe_session_id)
    land(tenant, checkout)
    drain()


def count(model):
    return db.session.scalar(select(func.count()).select_from(model))


def test_reserved_then_redeemed_by_payment(web, tenant, stripe_sandbox, drain):
    coupon = coupons.make(web)
    checkout = start(tenant, coupon=" save20 ")
    [reserved] = coupons.redemptions(tenant)
    assert (reserved.state, reserved.coupon_id, reserved.checkout_id) == ("reserved", coupon.id, checkout.id)
    assert (reserved.amount_minor, reserved.saving_minor, reserved.currency) == (2900, 580, "usd")
    assert session_of(stripe_sandbox, checkout)["amount_total"] == 2320
    pay(tenant, checkout, stripe_sandbox, drain)
    assert coupons.states(tenant) == ["redeemed"]
    with tenancy.bound(tenant):
        invoice = db.session.scalars(select(Invoice)).one()
        assert (invoice.total_minor, invoice.discount_minor, invoice.amount_paid_minor) == (2320, 580, 2320)
        assert invoice.discounts == [{"name": "Save20", "amount_minor": 580}]


def test_the_best_automatic_one_needs_no_code(web, tenant, stripe_sandbox):
    coupons.make(web, "LITTLE", automatic=True, percent_off=Decimal(10))
    coupons.make(web, "LONG", automatic=True, percent_off=Decimal(10), duration="forever")
    coupons.make(web, "SECRET", percent_off=Decimal(90))
    checkout = start(tenant)
    [reserved] = coupons.redemptions(tenant)
    assert reserved.is_automatic
    assert session_of(stripe_sandbox, checkout)["amount_total"] == 2610
    with tenancy.bound(tenant):
        assert db.session.get(Checkout, (tenant, checkout.id)).coupon_id == reserved.coupon_id
    stripe_coupon = session_of(stripe_sandbox, checkout)["discounts"][0]["coupon"]
    assert stripe_sandbox.listed("coupons")[0]["id"] != stripe_coupon  # SECRET is the newest


def test_no_automatic_one_fits_the_free_plan(web, tenant):
    coupons.make(web, automatic=True)
    assert start(tenant, "free").state == "complete"
    assert coupons.states(tenant) == []
    with pytest.raises(eligibility.CouponNotThisPlan):
        start(make_tenant(), "free", coupon="SAVE20")


YESTERDAY, TOMORROW = (datetime.now(UTC) + timedelta(days=days) for days in (-1, 1))
REFUSED = [
    pytest.param({"valid_from": TOMORROW}, eligibility.CouponNotYet, id="not yet"),
    pytest.param({"valid_until": YESTERDAY}, eligibility.CouponExpired, id="expired"),
    pytest.param({"archived_at": YESTERDAY}, eligibility.CouponExpired, id="archived"),
    pytest.param({"published": False}, eligibility.CouponExpired, id="not published"),
    pytest.param({"plan_ids": ["enterprise"]}, eligibility.CouponNotThisPlan, id="not this plan"),
    pytest.param({"minimum_amounts": {"usd": 2901}}, eligibility.CouponBelowMinimum, id="below minimum"),
    pytest.param({"minimum_amounts": {"eur": 1}}, eligibility.CouponOtherCurrency, id="minimum in other currency"),
    pytest.param({"amounts_off": {"eur": 500}}, eligibility.CouponOtherCurrency, id="amount in other currency"),
    pytest.param({"currencies": ["eur"]}, eligibility.CouponOtherCurrency, id="other currency"),
]


@pytest.mark.parametrize(("terms", "reason"), REFUSED)
def test_refused_with_its_reason_and_nothing_is_written(web, tenant, terms, reason):
    coupons.make(web, **terms)
    with pytest.raises(reason):
        start(tenant, coupon="SAVE20")
    with tenancy.bound(tenant):
        assert [count(model) for model in (Checkout, CouponRedemption, OutboxRow)] == [0, 0, 0]


@pytest.mark.parametrize("code", ["NOPE", "", "  ", "x" * 500, "a\x00b", "'; --", "İSTANBUL"])
def test_unknown(web, tenant, code):
    if not code.strip():
        assert start(tenant, coupon=code).coupon_id is None
        return
    with pytest.raises(eligibility.UnknownCoupon):
        start(tenant, coupon=code)


def test_already_used_and_first_time_only(web, tenant, stripe_sandbox, drain):
    coupons.make(web, max_per_tenant=1)
    coupons.make(web, "FIRST", first_time_only=True)
    pay(tenant, start(tenant, coupon="SAVE20"), stripe_sandbox, drain)
    end_subscription(tenant, stripe_sandbox, drain)
    with pytest.raises(eligibility.CouponAlreadyUsed):
        start(tenant, coupon="SAVE20")
    with pytest.raises(eligibility.CouponForFirstPurchase):
        start(tenant, coupon="FIRST")
    assert start(make_tenant(), coupon="first").coupon_id


def end_subscription(tenant, stripe_sandbox, drain):
    from portal.billing.subscriptions import live_subscription
    from portal.gateway.client import gateway
    from portal.gateway.inbox import want

    with tenancy.bound(tenant):
        subscription_id = live_subscription().stripe_subscription_id
        gateway().write(lambda s: s.v1.subscriptions.cancel(subscription_id))
        want(subscription_id, "subscription")
        db.session.commit()
    drain()


def test_left_without_paying_it_is_released_when_stripe_says_expired(web, tenant, stripe_sandbox, drain):
    coupons.make(web, max_redemptions=1)
    checkout = start(tenant, coupon="SAVE20")
    with tenancy.bound(tenant):
        checkouts.abandon(checkout.id)
    assert coupons.states(tenant) == ["reserved"]  # it can still be paid
    other = make_tenant()
    with pytest.raises(eligibility.CouponUsedUp):
        start(other, coupon="SAVE20")
    drain()
    assert coupons.states(tenant) == ["released"]
    assert start(other, coupon="SAVE20").coupon_id


def test_an_expired_session_releases_it(web, tenant, stripe_sandbox, drain):
    coupons.make(web)
    checkout = start(tenant, coupon="SAVE20")
    stripe_sandbox.post(f"checkout/{checkout.stripe_session_id}/expire")
    land(tenant, checkout)
    drain()
    assert coupons.states(tenant) == ["released"]


def test_a_checkout_that_stripe_refuses_releases_it(web, tenant, stripe_sandbox):
    coupon = coupons.make(web)
    database.as_owner(
        web.extensions["settings"], "UPDATE coupons SET stripe_coupon_id = 'gone' WHERE id = :id", id=coupon.id
    )
    with pytest.raises(StripeFailure):
        start(tenant, coupon="SAVE20")
    assert coupons.states(tenant) == ["released"]


def test_a_lost_answer_keeps_it_reserved_until_the_worker_has_asked_again(web, tenant, stripe_sandbox, drain):
    coupons.make(web)
    stripe_sandbox.post("fail", match="POST /v1/checkout/sessions", mode="drop_after_effect")
    with pytest.raises(PaymentServiceUnavailable):
        start(tenant, coupon="SAVE20")
    assert coupons.states(tenant) == ["reserved"]
    database.let_time_pass(web.extensions["settings"])
    drain()
    again = start(tenant, coupon="SAVE20")
    assert again.url
    assert coupons.states(tenant) == ["reserved"]


def test_another_plan_takes_the_last_redemption_over(web, tenant, stripe_sandbox, drain):
    """Back and forth on the plans page: one's own reservation is nobody else's."""
    coupons.make(web, max_redemptions=1)
    first = start(tenant, coupon="SAVE20")
    assert start(tenant, coupon="save20").id == first.id
    second = start(tenant, "professional", "year", coupon="SAVE20")
    assert coupons.states(tenant) == ["released", "reserved"]
    drain()
    with pytest.raises(eligibility.CouponUsedUp):
        start(make_tenant(), coupon="SAVE20")
    pay(tenant, second, stripe_sandbox, drain)
    assert coupons.states(tenant) == ["released", "redeemed"]


def test_without_its_code_the_checkout_is_another_one(web, tenant, drain):
    coupons.make(web)
    first = start(tenant, coupon="SAVE20")
    assert start(tenant).id != first.id
    drain()
    assert coupons.states(tenant) == ["released"]


def test_stripe_has_the_last_word_and_staff_hear_of_it(web, tenant, stripe_sandbox, drain):
    """The first session is paid after its redemption went over to the second one."""
    coupons.make(web, max_redemptions=1)
    first = start(tenant, coupon="SAVE20")
    stripe_sandbox.pay(first.stripe_session_id)
    start(tenant, "professional", coupon="SAVE20")
    drain()
    drain()
    assert coupons.states(tenant) == ["redeemed", "released"]
    with tenancy.staff_session() as session:
        kinds = session.scalars(select(DriftFinding.kind).where(DriftFinding.tenant_id == tenant)).all()
    assert "redeemed_after_release" in kinds


def test_the_last_redemption_goes_to_exactly_one_of_fifty_tenants(web, settings, stripe_sandbox):
    coupon = coupons.make(web, max_redemptions=1)
    tenants = [make_tenant() for _ in range(50)]

    def click(tenant_id):
        app = app_of("web", settings=settings)
        with app.app_context():
            try:
                return start(tenant_id, coupon="SAVE20").state
            except eligibility.CouponUsedUp as refused:
                return refused.code
            finally:
                database.dispose(app)

    answers = side_by_side(*[lambda each=each: click(each) for each in tenants])
    assert sorted(answers) == ["coupon_used_up"] * 49 + ["open"]
    taken = "SELECT tenant_id FROM coupon_redemptions WHERE coupon_id = :id AND state IN ('reserved', 'redeemed')"
    assert len(database.as_owner(settings, taken, id=coupon.id)) == 1
    assert database.as_owner(settings, "SELECT count(*) AS n FROM checkouts")[0]["n"] == 1


def test_ten_tabs_of_one_tenant_use_it_once(web, settings, tenant, stripe_sandbox):
    coupons.make(web, max_redemptions=5)

    def click():
        app = app_of("web", settings=settings)
        with app.app_context():
            try:
                return start(tenant, coupon="SAVE20").id
            finally:
                database.dispose(app)

    assert len(set(side_by_side(*[click] * 10))) == 1
    assert coupons.states(tenant) == ["reserved"]


def test_the_web_role_writes_no_coupon_and_reads_no_foreign_redemption(web, tenant, stripe_sandbox):
    from sqlalchemy import text
    from sqlalchemy.exc import ProgrammingError

    coupons.make(web)
    start(tenant, coupon="SAVE20")
    other = make_tenant()
    with tenancy.bound(other):
        assert count(CouponRedemption) == 0
        assert db.session.execute(text("UPDATE coupons SET archived_at = now()")).rowcount == 0
    for statement in (
        "INSERT INTO coupons (id, code, name, percent_off, duration) VALUES (gen_random_uuid(), 'A1', 'x', 9, 'once')",
        "UPDATE coupons SET percent_off = 100",
        "DELETE FROM coupons",
    ):
        with tenancy.bound(other), pytest.raises(ProgrammingError):
            db.session.execute(text(statement))


def test_a_purchase_without_coupons_is_what_it_was(web, tenant, stripe_sandbox, drain):
    checkout = buy(tenant, stripe_sandbox, drain)
    assert session_of(stripe_sandbox, checkout)["discounts"] == []
