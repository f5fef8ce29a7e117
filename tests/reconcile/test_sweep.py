"""Objects whose event never existed: what should be live is read again, and the difference is written down."""

import time

import pytest
from sqlalchemy import func, select, text, update

from jobs import reconcile
from portal import failpoints, metrics_values, tenancy
from portal.billing import checkouts
from portal.commands.reconcile import reconcile as reconcile_command
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.errors import PaymentServiceUnavailable
from portal.gateway.inbox import want
from portal.mirror import live_lists, sweep
from portal.models import (
    AuditEntry,
    DriftFinding,
    MetricValue,
    PlanPrice,
    StripeCursor,
    StripeCustomer,
    StripeObject,
    Subscription,
)
from portal.outbox import Retry
from tests.support.shopping import buy, make_tenant, start, step
from tests.support.state import EXPECTED, NOTHING, state
from tests.support.steps import bring

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(autouse=True)
def fixture_disarmed():
    yield
    failpoints.arm("")


@pytest.fixture(name="untold")
def fixture_untold(stripe_sandbox):
    """Stripe makes no event of anything."""
    stripe_sandbox.post("deliveries", suppress=["*"])


@pytest.fixture(name="night")
def fixture_night(worker, drain):
    """A whole sweep, and all that follows from it."""

    def run() -> None:
        with worker.app_context():
            sweep_to_the_end()
        settle(drain)

    return run


def sweep_to_the_end(attempts: int = 50) -> None:
    for _ in range(attempts):
        try:
            reconcile.sweep_live_objects()
        except Retry:
            tenancy.fresh()
        else:
            return
    raise AssertionError("the sweep does not end")


def settle(drain) -> None:
    """Drain until every object had its turn: the sweep spreads them over seconds to come."""
    is_waiting = StripeObject.seen < StripeObject.wanted, StripeObject.parked_at.is_(None)
    drain()
    while read(select(func.count()).select_from(StripeObject).where(*is_waiting))[0]:
        time.sleep(0.05)
        drain()


def read(statement):
    with tenancy.reader_session() as session:
        return session.scalars(statement).all()


def findings(kind: str, *, is_open: bool) -> list[DriftFinding]:
    state_of = DriftFinding.resolved_at.is_(None) if is_open else DriftFinding.resolved_at.is_not(None)
    return list(read(select(DriftFinding).where(DriftFinding.kind == kind, state_of)))


def stranger(price_id: str):
    """A customer with a live subscription at Stripe that this portal never made."""
    customer = gateway().write(lambda s: s.v1.customers.create({}))
    method = gateway().write(lambda s: s.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id}))
    default = {"invoice_settings": {"default_payment_method": method.id}}
    gateway().write(lambda s: s.v1.customers.update(customer.id, default))
    subscription = gateway().write(
        lambda s: s.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price_id}]})
    )
    return as_dict(subscription)


def starter_price() -> str:
    return read(select(PlanPrice.stripe_price_id).where(PlanPrice.plan_id == "starter", PlanPrice.interval == "month"))[
        0
    ]


def test_a_purchase_of_which_no_event_ever_existed(web, worker, tenant, stripe_sandbox, drain, untold, night):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    drain()
    assert stripe_sandbox.get("events")["data"] == []
    assert state(tenant) == NOTHING
    night()
    assert state(tenant) == EXPECTED
    assert step(tenant, checkout) == "active"
    [healed] = findings("healed_drift", is_open=False)
    assert (healed.tenant_id, healed.object_id) == (tenant, checkout.stripe_session_id)
    assert healed.details["kind"] == "checkout_session"
    assert healed.details["was_missing"] is False
    assert healed.details["changed"]["state"] == ["open", "complete"]
    with worker.app_context():
        metrics_values.refresh()
        tenancy.fresh()
        rows = db.session.execute(select(MetricValue.name, MetricValue.labels, MetricValue.value))
        figures = {(name, labels.get("kind")): value for name, labels, value in rows}
    assert figures["billing_drift_healed_total", "checkout_session"] == 1
    assert ("billing_parked_total", "healed_drift") not in figures
    assert figures["billing_sweep_age_seconds", None] >= 0


def test_a_subscription_that_ended_untold(web, tenant, stripe_sandbox, drain, untold, night):
    buy(tenant, stripe_sandbox, drain)
    with tenancy.bound(tenant):
        subscription_id = db.session.scalars(select(Subscription.stripe_subscription_id)).one()
    gateway().write(lambda s: s.v1.subscriptions.cancel(subscription_id))
    night()
    assert state(tenant)["subscriptions"] == [("starter", "canceled")]
    [healed] = findings("healed_drift", is_open=False)
    assert healed.details["changed"]["status"] == ["active", "canceled"]
    night()
    assert len(findings("healed_drift", is_open=False)) == 1


def test_a_live_subscription_that_we_do_not_know(web, worker, tenant, stripe_sandbox, drain, untold, night):
    """Its checkout was closed here; only Stripe's list names it."""
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    with worker.app_context(), tenancy.bound(tenant):
        bring(db.session(), checkouts.get(checkout.id), "expired")
        db.session.commit()
    night()
    assert state(tenant) == EXPECTED
    healed = {row.details["kind"]: row.details for row in findings("healed_drift", is_open=False)}
    assert healed["subscription"]["was_missing"] is True
    assert healed["subscription"]["changed"]["status"] == [None, "active"]


def test_a_subscription_that_we_show_as_ended(web, worker, tenant, stripe_sandbox, drain, night):
    buy(tenant, stripe_sandbox, drain)
    with worker.app_context(), tenancy.bound(tenant):
        db.session.execute(update(Subscription).values(status="canceled"))
        db.session.commit()
    night()
    assert state(tenant) == EXPECTED


def test_when_all_is_well_nothing_changes(web, tenant, stripe_sandbox, drain, night):
    buy(tenant, stripe_sandbox, drain)
    entries = read(select(func.count()).select_from(AuditEntry))
    night()
    assert read(select(func.count()).select_from(DriftFinding)) == [0]
    assert read(select(func.count()).select_from(AuditEntry)) == entries
    assert state(tenant) == EXPECTED


def test_strangers_are_reported_once_and_never_tried(web, worker, stripe_sandbox, drain, night):
    theirs = stranger(starter_price())
    for _ in range(2):
        night()
    [found] = findings("unknown_customer", is_open=True)
    assert (found.object_id, found.details["customer"]) == (theirs["id"], theirs["customer"])
    assert read(select(StripeObject.id)) == []


def test_a_stranger_that_turns_out_to_be_a_tenants(web, worker, stripe_sandbox, drain, night):
    theirs = stranger(starter_price())
    night()
    tenant_id = make_tenant()
    with tenancy.bound(tenant_id):
        db.session.execute(text("INSERT INTO customers (tenant_id) VALUES (:id)"), {"id": tenant_id})
        db.session.add(StripeCustomer(customer_id=theirs["customer"], tenant_id=tenant_id))
        db.session.commit()
    night()
    assert findings("unknown_customer", is_open=True) == []
    assert state(tenant_id)["subscriptions"] == [("starter", "active")]


def test_killed_at_each_page_it_goes_on_where_it_was(web, worker, stripe_sandbox, drain, untold, monkeypatch):
    """One entry a page; whatever page the kill comes at, before or after its commit, all of it is healed."""
    monkeypatch.setattr(live_lists, "PAGE", 1)
    for place in ("before", "after"):
        tenants = []
        for _ in range(2):
            tenants.append(make_tenant())
            stripe_sandbox.pay(start(tenants[-1]).stripe_session_id)
        kills = 0
        for turn in range(60):
            # Every other turn dies at its first or second page; those between gain ground of one page.
            failpoints.arm(f"commit.portal.mirror.sweep._sweep_page:{place}=raise@{1 + turn // 2 % 2}")
            monkeypatch.setattr(sweep, "RUN_SECONDS", 10.0 * (turn % 2))
            try:
                with worker.app_context():
                    reconcile.sweep_live_objects()
                break
            except failpoints.Injected:
                kills += 1
            except Retry:
                failpoints.arm("")
        failpoints.arm("")
        assert kills >= 3
        settle(drain)
        assert [state(tenant_id) for tenant_id in tenants] == [EXPECTED, EXPECTED], place


def test_objects_are_due_one_after_the_other_and_urgent_wishes_stay_so(web, worker, tenant, stripe_sandbox, drain):
    for tenant_id in (tenant, make_tenant(), make_tenant()):
        buy(tenant_id, stripe_sandbox, drain)
    with worker.app_context():
        urgent = read(select(Subscription.stripe_subscription_id).order_by(Subscription.tenant_id.desc()))[0]
        tenancy.fresh()
        want(urgent, "subscription")
        db.session.commit()
        sweep_to_the_end()
    is_waiting = StripeObject.seen < StripeObject.wanted
    rows = read(select(StripeObject).where(is_waiting).order_by(StripeObject.next_at))
    assert rows[0].id == urgent
    assert [row.swept for row in rows] == [None, rows[1].wanted, rows[2].wanted]
    gap = (rows[2].next_at - rows[1].next_at).total_seconds()
    assert gap == pytest.approx(1 / sweep.OBJECTS_PER_SECOND, abs=0.001)
    settle(drain)


def test_what_an_event_told_meanwhile_is_no_drift(web, worker, tenant, stripe_sandbox, drain, untold):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    with worker.app_context():
        sweep_to_the_end()
        tenancy.fresh()
        want(checkout.stripe_session_id, "checkout_session")
        db.session.commit()
    settle(drain)
    assert state(tenant) == EXPECTED
    assert findings("healed_drift", is_open=False) == []


def test_a_parked_object_gets_another_try_each_night(web, worker, tenant, stripe_sandbox, drain, untold, night):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    with worker.app_context():
        tenancy.fresh()
        want(checkout.stripe_session_id, "checkout_session")
        db.session.execute(update(StripeObject).values(parked_at=func.now(), attempts=20))
        db.session.commit()
    drain()
    assert state(tenant) == NOTHING
    night()
    assert state(tenant) == EXPECTED


def test_stripe_goes_away_in_the_middle(web, worker, tenant, stripe_sandbox, drain, untold):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    failpoints.arm("stripe.portal.mirror.live_lists._subscription_page:before=raise")
    with worker.app_context(), pytest.raises(PaymentServiceUnavailable):
        sweep_to_the_end()
    assert read(select(StripeCursor.stage)) == ["subscriptions"]
    with worker.app_context():
        sweep_to_the_end()
    settle(drain)
    assert state(tenant) == EXPECTED


def test_a_place_that_stripe_has_forgotten(web, worker, tenant, stripe_sandbox, drain, untold):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    with worker.app_context():
        tenancy.fresh()
        db.session.add(StripeCursor(name=sweep.CURSOR, started_at=func.now(), stage="open_invoices", after="in_gone"))
        db.session.commit()
        sweep_to_the_end()
        assert read(select(StripeCursor.completed_at).where(StripeCursor.name == sweep.CURSOR)) != [None]
    settle(drain)
    assert state(tenant) == EXPECTED


def test_the_command(web, tenant, stripe_sandbox, drain):
    """Half was never delivered, half never existed."""
    stripe_sandbox.post("deliveries", suppress=["checkout.*", "customer.subscription.*"])
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    stripe_sandbox.post("deliveries", suppress=["*"])
    stranger(starter_price())
    result = web.test_cli_runner().invoke(reconcile_command)
    assert result.exit_code == 0, result.output
    assert "events had not been delivered" in result.output
    assert "1 at Stripe belong to nobody here" in result.output
    settle(drain)
    assert state(tenant) == EXPECTED
    stripe_sandbox.post("fail", match="GET /v1/*", mode="500", times=1)
    result = web.test_cli_runner().invoke(reconcile_command)
    assert result.exit_code == 1
    assert "run it again later" in result.output


def test_one_that_came_and_went_untold(web, worker, tenant, stripe_sandbox, drain, untold, night):
    """Bought and ended between two nights: it is on no list of what lives, and yet it was paid."""
    checkout = start(tenant)
    paid = stripe_sandbox.pay(checkout.stripe_session_id)
    with worker.app_context(), tenancy.bound(tenant):
        bring(db.session(), checkouts.get(checkout.id), "expired")
        db.session.commit()
    gateway().write(lambda s: s.v1.subscriptions.cancel(paid["subscription"]))
    night()
    found = state(tenant)
    assert found["subscriptions"] == [("starter", "canceled")]
    assert found["invoices"] == EXPECTED["invoices"]
