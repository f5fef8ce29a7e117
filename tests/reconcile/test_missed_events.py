"""Events that were never delivered are found in Stripe's list."""

import itertools
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

import jobs  # noqa: F401  (registers the tasks)
from portal import failpoints, metrics_values, tenancy
from portal.extensions import db
from portal.gateway import event_list, kinds
from portal.gateway.client import gateway
from portal.mirror import missed_events
from portal.models import (
    Customer,
    DriftFinding,
    MetricValue,
    Notice,
    StripeCursor,
    StripeEvent,
    StripeObject,
)
from portal.outbox import Retry, registry
from sandbox import contract
from tests.support.shopping import buy, make_tenant, start, step
from tests.support.state import EXPECTED, NOTHING, state
from tests.support.threads import side_by_side

pytestmark = pytest.mark.usefixtures("pdf")
README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(name="look")
def fixture_look(worker):
    """One turn of the task; returns how many events had been missed."""

    def run() -> int:
        with worker.app_context():
            before = count(StripeEvent)
            look_at_all()
            return count(StripeEvent) - before

    return run


@pytest.fixture(name="small_pages")
def fixture_small_pages(monkeypatch):
    """Two events a page, so that one purchase is a long list."""
    monkeypatch.setattr(event_list, "PAGE", 2)


@pytest.fixture(autouse=True)
def fixture_disarmed():
    yield
    failpoints.arm("")


def look_at_all() -> None:
    """The tasks, as a worker would run them."""
    for group in kinds.POLLED:
        registry.handler_of(f"periodic.missed_events.{group}")(None)


def count(model) -> int:
    with tenancy.reader_session() as session:
        return session.scalar(select(func.count()).select_from(model))


def cursor(group: str = "subscribing") -> StripeCursor:
    with tenancy.reader_session() as session:
        return session.get_one(StripeCursor, missed_events.cursor_name(group))


def pay_untold(sandbox):
    """A tenant and its checkout, paid at Stripe; nothing was delivered."""
    tenant_id = make_tenant()
    checkout = start(tenant_id)
    sandbox.pay(checkout.stripe_session_id)
    return tenant_id, checkout


def test_a_purchase_of_which_nothing_was_delivered(web, stripe_sandbox, drain, look):
    tenant_id, checkout = pay_untold(stripe_sandbox)
    drain()
    assert state(tenant_id) == NOTHING
    assert look() > 8
    drain()
    assert state(tenant_id) == EXPECTED
    assert step(tenant_id, checkout) == "active"
    with tenancy.bound(tenant_id):
        assert {notice.state for notice in db.session.scalars(select(Notice))} == {"sent"}


def test_the_hour_that_is_looked_at_twice_does_nothing(web, tenant, stripe_sandbox, drain, look):
    buy(tenant, stripe_sandbox, drain)
    assert look() > 0
    drain()
    with tenancy.reader_session() as session:
        before = {row.id: row.wanted for row in session.scalars(select(StripeObject))}
    assert [look(), look()] == [0, 0]
    assert drain() == 0
    with tenancy.reader_session() as session:
        assert {row.id: row.wanted for row in session.scalars(select(StripeObject))} == before
    assert state(tenant) == EXPECTED


def test_only_events_that_we_follow_are_asked_for(web, stripe_sandbox, look):
    pay_untold(stripe_sandbox)
    look()
    asked = {name for names in kinds.POLLED.values() for name in names}
    with tenancy.reader_session() as session:
        assert set(session.scalars(select(StripeEvent.type))) <= asked
        assert session.scalars(select(StripeEvent).where(StripeEvent.object_id.is_(None))).all() == []


def test_what_is_polled_is_what_an_endpoint_listens_for():
    polled = [name for names in kinds.POLLED.values() for name in names]
    assert all(len(names) <= 20 for names in kinds.POLLED.values())
    assert len(polled) == len(set(polled))
    assert set(polled) <= set(contract.load().events)
    assert set(re.findall(r"enabled_events\[\]=([a-z_.]+)", README.read_text())) == set(polled)


def test_killed_between_two_pages(web, stripe_sandbox, drain, look, small_pages):
    """Whatever was stored stays, the place is kept, and the cursor moves only at the end of a whole pass."""
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    failpoints.arm("commit.portal.mirror.missed_events._store_page:after=raise@2")
    with pytest.raises(failpoints.Injected):
        look()
    stored, place = count(StripeEvent), cursor()
    assert stored == 4
    assert (place.reached_at, place.completed_at) == (None, None)
    assert place.after is not None
    look()
    place = cursor()
    assert place.started_at is None
    assert place.reached_at is not None
    drain()
    assert state(tenant_id) == EXPECTED


def test_killed_before_a_page_is_stored(web, stripe_sandbox, drain, look, small_pages):
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    for nth in (1, 2, 3):
        failpoints.arm(f"commit.portal.mirror.missed_events._store_page:before=raise@{nth}")
        before = count(StripeEvent)
        with pytest.raises(failpoints.Injected):
            look()
        failpoints.arm("")
        assert count(StripeEvent) - before <= 2 * (nth - 1)
    look()
    drain()
    assert state(tenant_id) == EXPECTED


def test_stripe_goes_away_in_the_middle(web, stripe_sandbox, drain, look, small_pages):
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    failpoints.arm("stripe.portal.gateway.event_list.page:before=raise@2")
    look()
    assert cursor().after is not None
    look()
    drain()
    assert state(tenant_id) == EXPECTED


def test_a_backlog_of_thousands_is_worked_in_turns(web, worker, stripe_sandbox, drain, monkeypatch, small_pages):
    """Each run ends by its budget; owed work of others gets its turn between."""
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    monkeypatch.setattr(missed_events, "RUN_SECONDS", 0.0)
    stored = [0]
    with worker.app_context():
        for group in kinds.POLLED:
            is_done = False
            while not is_done:
                is_done = missed_events.look(group).is_done
                stored.append(count(StripeEvent))
        with pytest.raises(Retry):
            look_at_all()
    assert max(after - before for before, after in itertools.pairwise(stored)) <= 2
    assert len(stored) > 3
    drain()
    assert state(tenant_id) == EXPECTED


def test_a_place_that_stripe_has_forgotten(web, worker, stripe_sandbox, drain, look):
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    look()
    with worker.app_context():
        tenancy.fresh()
        db.session.execute(update(StripeCursor).values(started_at=func.now(), after="evt_forgotten"))
        db.session.commit()
    look()
    assert (cursor().started_at, cursor().after) == (None, None)
    drain()
    assert state(tenant_id) == EXPECTED


def test_two_workers_look_at_once(web, worker, stripe_sandbox, drain, small_pages):
    tenant_id, _checkout = pay_untold(stripe_sandbox)

    def look() -> None:
        with worker.app_context():
            look_at_all()

    side_by_side(*[look] * 4)
    look()
    drain()
    assert state(tenant_id) == EXPECTED


def test_the_cursor_is_stripes_time_and_never_goes_back(web, stripe_sandbox, drain, look, monkeypatch):
    pay_untold(stripe_sandbox)
    look()
    reached = cursor().reached_at
    newest = max(event["created"] for event in stripe_sandbox.get("events")["data"] if "session" in event["type"])
    assert abs(reached.timestamp() - newest) <= 1
    look()
    assert cursor().reached_at == reached
    monkeypatch.setattr(missed_events, "OVERLAP", -missed_events.OVERLAP)  # nothing is that new
    look()
    assert cursor().reached_at == reached


def test_an_account_of_another_api_version_heals_as_well(web, worker, stripe_sandbox, drain, look, monkeypatch):
    """The list is of the account's own version, whatever an endpoint gets; of an event only the object's id is used."""
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    monkeypatch.setattr("portal.gateway.inbox.API_VERSION", "2027-01-27.next")
    assert look() > 8
    drain()
    assert state(tenant_id) == EXPECTED
    with tenancy.reader_session() as session:
        assert session.scalars(select(StripeEvent.id).where(StripeEvent.parked_reason.is_not(None))).all() == []
        assert session.scalars(select(DriftFinding.object_id)).all() == []
    assert look() == 0


def test_the_payload_is_what_stripe_wrote(web, stripe_sandbox, look):
    pay_untold(stripe_sandbox)
    look()
    told = {event["id"]: event for event in stripe_sandbox.get("events")["data"]}
    with tenancy.reader_session() as session:
        for row in session.scalars(select(StripeEvent)):
            wire = {**told[row.id], "pending_webhooks": row.payload["pending_webhooks"]}
            assert json.dumps(row.payload, sort_keys=True) == json.dumps(wire, sort_keys=True)
            assert (row.type, row.livemode) == (wire["type"], False)


def test_an_event_that_no_database_can_hold_does_not_hold_up_the_others(web, stripe_sandbox, drain, look):
    tenant_id, _checkout = pay_untold(stripe_sandbox)
    with tenancy.bound(tenant_id):
        customer_id = db.session.scalars(select(Customer.stripe_customer_id)).one()
    gateway().write(lambda s: s.v1.customers.update(customer_id, {"metadata": {"nul": "a\0b"}}))
    look()
    drain()
    assert state(tenant_id) == EXPECTED
    with tenancy.reader_session() as session:
        [found] = session.scalars(select(DriftFinding).where(DriftFinding.kind == "parked_event"))
    assert found.details["type"] == "customer.updated"
    assert cursor().completed_at is not None


def test_how_long_ago_the_list_was_looked_through(web, worker, look):
    with worker.app_context():
        metrics_values.refresh()
        assert _lag() is None
    look()
    with worker.app_context():
        metrics_values.refresh()
        assert 0 <= _lag() < 600


def _lag():
    tenancy.fresh()
    return db.session.scalar(select(MetricValue.value).where(MetricValue.name == "billing_event_cursor_lag_seconds"))
