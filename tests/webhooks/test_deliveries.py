"""Stripe's deliveries: order, repeats, forgeries, other versions."""

import gzip
import itertools
import json
import random
import threading
import time
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from blueprints import webhooks
from portal import tenancy
from portal.app import create_app
from portal.extensions import db
from portal.gateway.client import gateway
from portal.models import DriftFinding, Invoice, InvoiceDocument, Notice, StripeEvent, Subscription
from tests.support import database
from tests.support.database import WEBHOOK_SECRET
from tests.support.events import PATH, deliver, events_of, sign
from tests.support.shopping import make_tenant, start, step

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(name="hooks")
def fixture_hooks(settings):
    """The web app with the webhook routes only."""
    app = create_app("web", settings=settings, blueprints=[webhooks.bp])
    with app.app_context():
        yield app
        database.dispose(app)


def purchase(hooks: Flask, sandbox):
    """A tenant, its checkout paid at Stripe, and the events that Stripe would send; none delivered yet."""
    tenant_id = make_tenant()
    checkout = start(tenant_id)
    session = sandbox.pay(checkout.stripe_session_id)
    return tenant_id, checkout, events_of(hooks.extensions["settings"].stripe_api_base, session["customer"])


def state(tenant_id) -> dict:
    """What must be the same whatever happened to the deliveries."""
    with tenancy.bound(tenant_id):
        return {
            "subscriptions": [(row.plan_id, row.status) for row in db.session.scalars(select(Subscription))],
            "invoices": [
                (row.status, row.total_minor, row.document_state) for row in db.session.scalars(select(Invoice))
            ],
            "documents": db.session.scalar(select(func.count()).select_from(InvoiceDocument)),
            "notices": sorted({row.kind for row in db.session.scalars(select(Notice))}),
        }


EXPECTED = {
    "subscriptions": [("starter", "active")],
    "invoices": [("paid", 2900, "ready")],
    "documents": 1,
    "notices": ["invoice_issued", "subscription_started"],
}


def stored(event_ids) -> int:
    tenancy.fresh()
    # The web role may not read the inbox.
    with tenancy.reader_session() as session:
        return session.scalar(select(func.count()).select_from(StripeEvent).where(StripeEvent.id.in_(event_ids)))


def test_every_event_twice_and_backwards(hooks, stripe_sandbox, drain):
    tenant_id, checkout, events = purchase(hooks, stripe_sandbox)
    client = hooks.test_client()
    for event in [*reversed(events), *events]:
        assert deliver(client, event).status_code == 200
    drain()
    assert state(tenant_id) == EXPECTED
    assert step(tenant_id, checkout) == "active"
    assert stored([event["id"] for event in events]) == len(events)


def test_created_updated_paid_in_every_order(hooks, stripe_sandbox, drain):
    wanted = ("customer.subscription.created", "customer.subscription.updated", "invoice.paid")
    client = hooks.test_client()
    for order in itertools.permutations(wanted):
        tenant_id, _checkout, events = purchase(hooks, stripe_sandbox)
        by_type = {event["type"]: event for event in events}
        for name in order:
            deliver(client, by_type[name])
            drain()
        assert state(tenant_id) == EXPECTED, order


def test_shuffled_with_repeats(hooks, stripe_sandbox, drain):
    dice = random.Random(20261122)
    client = hooks.test_client()
    for _round in range(3):
        tenant_id, checkout, events = purchase(hooks, stripe_sandbox)
        deck = events + dice.sample(events, k=len(events) // 3)
        dice.shuffle(deck)
        for event in deck:
            deliver(client, event)
            if dice.random() < 0.3:
                drain()
        drain()
        assert state(tenant_id) == EXPECTED
        assert step(tenant_id, checkout) == "active"


def test_two_events_for_one_fact(hooks, stripe_sandbox, drain):
    tenant_id, _checkout, events = purchase(hooks, stripe_sandbox)
    client = hooks.test_client()
    for event in events:
        deliver(client, event)
        deliver(client, {**event, "id": event["id"] + "twin"})
    drain()
    assert state(tenant_id) == EXPECTED


def test_both_paths_take_deliveries(hooks, stripe_sandbox, drain):
    tenant_id, _checkout, events = purchase(hooks, stripe_sandbox)
    client = hooks.test_client()
    for event in events:
        assert deliver(client, event, path="/webhooks/stripe").status_code == 200
    drain()
    assert state(tenant_id) == EXPECTED


def test_another_api_version_is_parked_with_a_finding(hooks, stripe_sandbox, drain):
    tenant_id, _checkout, events = purchase(hooks, stripe_sandbox)
    client = hooks.test_client()
    for event in events:
        assert deliver(client, {**event, "api_version": "2024-06-20"}).status_code == 200
    drain()
    assert state(tenant_id) == {"subscriptions": [], "invoices": [], "documents": 0, "notices": []}
    with tenancy.reader_session() as session:
        findings = session.scalars(select(DriftFinding).where(DriftFinding.kind == "parked_event")).all()
    assert {finding.object_id for finding in findings} == {event["id"] for event in events}


def _forgeries():
    now = int(time.time())
    body = json.dumps(
        {
            "id": "evt_forged",
            "object": "event",
            "type": "invoice.paid",
            "api_version": "2026-10-28.endive",
            "livemode": False,
            "created": now,
            "data": {"object": {"id": "in_forged", "object": "invoice"}},
        }
    )
    live = body.replace('"livemode": false', '"livemode": true')
    big = body.replace("evt_forged", "evt_" + "x" * 1_000_000)
    good = sign(body)
    return [
        ("no signature", body, ""),
        ("garbage signature", body, "garbage"),
        ("signature that is not ASCII", body, good.replace("v1=", "v1=é")),
        ("empty fields", body, "t=,v1="),
        ("text as time", body, good.replace("t=", "t=x")),
        ("wrong secret", body, sign(body, "whsec_other")),
        ("only v0", body, good.replace("v1=", "v0=")),
        ("stale", body, sign(body, at=now - 301)),
        ("from the future", body, sign(body, at=now + 3600)),
        ("altered body", body.replace("in_forged", "in_changed"), good),
        ("re-encoded body", json.dumps(json.loads(body), indent=1), good),
        ("signature of another body", body, sign("{}")),
        ("not json", "{", sign("{")),
        ("a list", "[]", sign("[]")),
        ("no object", '{"id": "evt_1"}', sign('{"id": "evt_1"}')),
        ("null object", body.replace('{"id": "in_forged", "object": "invoice"}', "null"), None),
        ("number as id", body.replace('"evt_forged"', "7"), None),
        ("live mode", live, None),
        ("empty", "", sign("")),
        ("one megabyte", big, None),
        ("compressed", gzip.compress(body.encode()), good),
        ("latin-1", body.encode() + b"\xff", good),
    ]


@pytest.mark.parametrize(("name", "body", "signature"), _forgeries(), ids=[entry[0] for entry in _forgeries()])
def test_forged_deliveries_leave_nothing(hooks, name, body, signature):
    header = sign(body) if signature is None else signature
    answer = hooks.test_client().post(PATH, data=body, headers={"Stripe-Signature": header})
    assert 400 <= answer.status_code < 500
    with tenancy.reader_session() as session:
        assert session.scalar(text("SELECT count(*) FROM stripe_events")) == 0
        assert session.scalar(text("SELECT count(*) FROM stripe_objects WHERE id LIKE 'in_%'")) == 0


def test_two_secrets_during_a_rotation(settings, stripe_sandbox):
    app = create_app(
        "web",
        settings=replace(settings, stripe_webhook_secret=f"whsec_new,{WEBHOOK_SECRET}"),
        blueprints=[webhooks.bp],
    )
    with app.app_context():
        _tenant, _checkout, events = purchase(app, stripe_sandbox)
        body = json.dumps(events[0])
        for secret in ("whsec_new", WEBHOOK_SECRET):
            answer = app.test_client().post(PATH, data=body, headers={"Stripe-Signature": sign(body, secret)})
            assert answer.status_code == 200
        database.dispose(app)


def test_a_deleted_subscription_twice_and_backwards(hooks, stripe_sandbox, drain):
    tenant_id, _checkout, events = purchase(hooks, stripe_sandbox)
    client = hooks.test_client()
    for event in events:
        deliver(client, event)
    drain()
    with tenancy.bound(tenant_id):
        subscription_id = db.session.scalars(select(Subscription.stripe_subscription_id)).one()
    gateway().write(lambda s: s.v1.subscriptions.cancel(subscription_id))
    customer = events[-1]["data"]["object"].get("customer") or events[0]["data"]["object"]["customer"]
    known = {event["id"] for event in events}
    api_base = hooks.extensions["settings"].stripe_api_base
    news = [event for event in events_of(api_base, customer) if event["id"] not in known]
    assert "customer.subscription.deleted" in {event["type"] for event in news}
    for event in [*reversed(news), *news]:
        assert deliver(client, event).status_code == 200
    drain()
    with tenancy.bound(tenant_id):
        assert [row.status for row in db.session.scalars(select(Subscription))] == ["canceled"]
        kinds = [row.kind for row in db.session.scalars(select(Notice)) if row.kind == "subscription_canceled"]
        assert len(set(kinds)) == 1
        recipients = [row.recipient for row in db.session.scalars(select(Notice)) if row.kind == kinds[0]]
        assert len(recipients) == len(set(recipients))
    assert start(tenant_id).state == "open"


def test_an_expired_session(hooks, stripe_sandbox, drain):
    tenant_id = make_tenant()
    checkout = start(tenant_id)
    session = stripe_sandbox.post(f"checkout/{checkout.stripe_session_id}/expire")
    client = hooks.test_client()
    events = events_of(hooks.extensions["settings"].stripe_api_base, session["customer"])
    assert "checkout.session.expired" in {event["type"] for event in events}
    for event in events:
        deliver(client, event)
    drain()
    assert step(tenant_id, checkout) == "expired"
    assert start(tenant_id).id != checkout.id


def test_eight_threads_deliver_three_events_of_one_object(settings, hooks, stripe_sandbox, drain):
    tenant_id, _checkout, events = purchase(hooks, stripe_sandbox)
    invoices = [event for event in events if event["type"].startswith("invoice.")][:3]
    answers = []

    def send() -> None:
        app = create_app("web", settings=settings, blueprints=[webhooks.bp])
        answers.extend(deliver(app.test_client(), event).status_code for event in invoices)
        with app.app_context():
            database.dispose(app)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 24
    drain()
    assert stored([event["id"] for event in invoices]) == 3
    with tenancy.bound(tenant_id):
        assert db.session.scalar(select(func.count()).select_from(Invoice)) == 1
