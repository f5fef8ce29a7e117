"""Business time: a tenant on a test clock lives at that clock's time, any other one at Stripe's."""

from datetime import UTC, datetime, timedelta

from portal import business_time, clock, tenancy
from portal.gateway.client import Gateway
from tests.support.life import Life
from tests.support.sandbox import running
from tests.support.shopping import make_tenant

SOON = timedelta(seconds=5)


def test_a_tenant_lives_at_its_clocks_time(life: Life):
    life.buy()
    began = life.now
    assert abs(began - datetime.now(UTC)) < timedelta(minutes=1)
    life.advance(days=40)
    with tenancy.bound(life.tenant_id):
        assert business_time.now() == life.now == began + timedelta(days=40)
    with tenancy.bound(make_tenant()):
        assert abs(business_time.now() - clock.now()) < SOON
    assert life.subscription.current_period_start > began + timedelta(days=27)
    assert [entry["status"] for entry in life.get("invoices", customer=life.customer.stripe_customer_id)["data"]] == [
        "paid",
        "paid",
    ]


def test_stripes_own_clock_is_followed(monkeypatch):
    monkeypatch.setattr(clock, "_stripe_is_ahead", timedelta(0))
    with running() as ahead:
        gateway = Gateway("sk_test_ahead", ahead.url)
        gateway.read(lambda s: s.v1.customers.list({"limit": 1}))
        assert abs(clock.stripe_now() - clock.now()) < timedelta(seconds=1)
        ahead.post("clock", advance_seconds=86_400 * 100)
        gateway.read(lambda s: s.v1.customers.list({"limit": 1}))
        assert abs(clock.stripe_now() - clock.now() - timedelta(days=100)) < SOON
