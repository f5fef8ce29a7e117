"""Stripe's deliveries: repeats, other versions, both addresses, secrets in rotation, endings."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from blueprints import webhooks
from portal import tenancy
from portal.app import create_app
from portal.extensions import db
from portal.gateway.client import gateway
from portal.models import DriftFinding, Notice, StripeEvent, Subscription
from tests.support import database
from tests.support.database import WEBHOOK_SECRET
from tests.support.events import PATH, deliver, events_of, sign
from tests.support.shopping import make_tenant, start, step
from tests.support.state import EXPECTED, NOTHING, state
from tests.webhooks.conftest import purchase

pytestmark = pytest.mark.usefixtures("pdf")


def stored(event_ids) -> int:
    tenancy.fresh()
    # The web role may not read the inbox.
    with tenancy.reader_session() as session:
        return session.scalar(select(func.count()).select_from(StripeEvent).where(StripeEvent.id.in_(event_ids)))


def test_every_event_twice_and_backwards(hooks, stripe_sandbox, drain):
    made = purchase(hooks, stripe_sandbox)
    tenant_id, checkout, events = made.tenant_id, made.checkout, made.events
    client = hooks.test_client()
    for event in [*reversed(events), *events]:
        assert deliver(client, event).status_code == 200
    drain()
    assert state(tenant_id) == EXPECTED
    assert step(tenant_id, checkout) == "active"
    assert stored([event["id"] for event in events]) == len(events)


def test_both_paths_take_deliveries(hooks, stripe_sandbox, drain):
    made = purchase(hooks, stripe_sandbox)
    tenant_id, events = made.tenant_id, made.events
    client = hooks.test_client()
    for event in events:
        assert deliver(client, event, path="/webhooks/stripe").status_code == 200
    drain()
    assert state(tenant_id) == EXPECTED


def test_another_api_version_is_parked_with_a_finding(hooks, stripe_sandbox, drain):
    made = purchase(hooks, stripe_sandbox)
    tenant_id, events = made.tenant_id, made.events
    client = hooks.test_client()
    for event in events:
        assert deliver(client, {**event, "api_version": "2024-06-20"}).status_code == 200
    drain()
    assert state(tenant_id) == NOTHING
    with tenancy.reader_session() as session:
        findings = session.scalars(select(DriftFinding).where(DriftFinding.kind == "parked_event")).all()
    assert {finding.object_id for finding in findings} == {event["id"] for event in events}


def test_two_secrets_during_a_rotation(settings, stripe_sandbox):
    app = create_app(
        "web",
        settings=replace(settings, stripe_webhook_secret=f"whsec_new,{WEBHOOK_SECRET}"),
        blueprints=[webhooks.bp],
    )
    with app.app_context():
        body = json.dumps(purchase(app, stripe_sandbox).events[0])
        for secret in ("whsec_new", WEBHOOK_SECRET):
            answer = app.test_client().post(PATH, data=body, headers={"Stripe-Signature": sign(body, secret)})
            assert answer.status_code == 200
        database.dispose(app)


def test_a_deleted_subscription_twice_and_backwards(hooks, stripe_sandbox, drain):
    made = purchase(hooks, stripe_sandbox)
    tenant_id, events = made.tenant_id, made.events
    client = hooks.test_client()
    for event in events:
        deliver(client, event)
    drain()
    with tenancy.bound(tenant_id):
        subscription_id = db.session.scalars(select(Subscription.stripe_subscription_id)).one()
    gateway().write(lambda s: s.v1.subscriptions.cancel(subscription_id))
    customer = made.customer_id
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
