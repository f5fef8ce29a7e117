"""An integration's key opens its own tenant only: ids, corrections and resources of others are as if they were not."""

import json
from decimal import Decimal

import pytest

from portal import tenancy
from portal.billing import api_keys as billing_keys
from portal.extensions import db
from portal.models import UsageEvent, UsageKey, UsageRollup
from portal.security import api_keys
from tests.pages import rows
from tests.support import keys
from tests.support.shopping import ACTOR, make_tenant

EVENT = {"resource_type": "api_calls", "quantity": 5, "event_id": "order-1", "source": "b-gateway"}
READ = ("/api/v1/uso/resumen", "/api/v1/uso/permiso?resource_type=api_calls&quantity=1")


def key_of(tenant_id):
    with tenancy.bound(tenant_id):
        return keys.made(actor=ACTOR)


def send(client, token, body, path="/api/v1/uso", **headers):
    auth = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return client.post(path, data=json.dumps(body), headers=auth | headers)


def read(client, token, path):
    return client.get(path, headers={"Authorization": f"Bearer {token}"})


def seen(tenant_id):
    """All that a tenant has of usage, to be compared before and after."""
    with tenancy.bound(tenant_id):
        return [
            db.session.execute(db.select(*table.__table__.columns).order_by(*table.__table__.primary_key)).all()
            for table in (UsageEvent, UsageKey, UsageRollup)
        ]


def said(answer):
    """What an answer says, without what differs between any two."""
    return answer.status_code, {name: value for name, value in answer.json.items() if name != "request_id"}


@pytest.fixture(name="theirs")
def fixture_theirs(client, tenant):
    """Another tenant that has reported an event."""
    other = make_tenant()
    assert send(client, key_of(other), EVENT).json == {"status": "accepted"}
    return other


@pytest.fixture(name="mine")
def fixture_mine(tenant):
    return key_of(tenant)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (EVENT, {}),
        (EVENT | {"quantity": 6}, {}),
        ({"resource_type": "api_calls", "quantity": 1}, {"Idempotency-Key": "order-1"}),
    ],
    ids=["the same event", "the same id with another body", "the same id as a header"],
)
def test_an_id_that_another_tenant_used_is_free(client, tenant, mine, theirs, body, headers):
    before = seen(theirs)
    answer = send(client, mine, body, **headers)
    assert (answer.status_code, answer.json) == (201, {"status": "accepted"})
    assert seen(theirs) == before
    with tenancy.bound(tenant):
        assert db.session.scalars(db.select(UsageEvent.quantity)).all() == [Decimal(body["quantity"])]


def test_in_a_batch_too(client, mine, theirs):
    before = seen(theirs)
    answer = send(client, mine, [EVENT, EVENT | {"quantity": 6}], "/api/v1/uso/lote")
    assert [item["status"] for item in answer.json["items"]] == ["accepted", "conflict"], "of its own first one"
    assert seen(theirs) == before


@pytest.mark.parametrize("quantity", [-5, 5])
def test_an_event_of_another_tenant_cannot_be_corrected(client, mine, theirs, quantity):
    before = seen(theirs)
    theirs_said, nobodys_said = (
        said(send(client, mine, {"resource_type": "api_calls", "quantity": quantity, "corrects": event_id}))
        for event_id in ("order-1", "of-nobody")
    )
    assert theirs_said == nobodys_said
    assert theirs_said[0] == (422 if quantity < 0 else 201)
    batch = [{"resource_type": "api_calls", "quantity": -1, "corrects": each} for each in ("order-1", "of-nobody")]
    items = send(client, mine, batch, "/api/v1/uso/lote").json["items"]
    assert items == [{"status": "rejected", "reason": "negative_quantity"}] * 2
    assert seen(theirs) == before


@pytest.mark.parametrize("path", READ)
def test_what_others_used_is_in_no_figure(client, settings, tenant, mine, theirs, path):
    with rows.written(settings) as session:
        for each in (tenant, theirs):
            rows.subscription(session, each)
    before = read(client, mine, path)
    assert before.status_code == 200
    assert send(client, key_of(theirs), EVENT | {"event_id": "order-2", "quantity": 9_000}).status_code == 201
    after = read(client, key_of(tenant), path).json
    assert after == before.json, "asked with a key of which nothing is remembered"


@pytest.mark.parametrize("name", ["tenant_id", "tenant", "subject", "customer_id"])
def test_a_tenant_that_is_named_in_the_body_is_not_asked(client, tenant, mine, theirs, name):
    before = seen(theirs)
    named = {"resource_type": "api_calls", "quantity": 1, name: str(theirs)}
    assert send(client, mine, named).status_code == 201
    cloud = named | {"specversion": "1.0", "id": "1", "type": "api_calls", "source": "b-gateway", "data": named}
    assert send(client, mine, [cloud], "/api/v1/uso/lote").json["accepted"] == 1
    for path in READ:
        asked = f"{path}{'&' if '?' in path else '?'}tenant_id={theirs}"
        answer = client.get(asked, headers={"Authorization": f"Bearer {mine}", "X-Tenant-Id": str(theirs)})
        assert answer.status_code == 200
    assert seen(theirs) == before
    assert len(seen(tenant)[0]) == 2


def test_a_resource_that_only_others_report_is_like_any_that_nobody_reports(client, mine, theirs):
    """Resources are the platform's: what is told of one does not depend on who reports it."""
    used, unused = (
        said(read(client, mine, f"/api/v1/uso/permiso?resource_type={name}&quantity=1"))
        for name in ("api_calls", "netbox_vms")
    )
    assert used == unused
    gone, never = (
        said(read(client, mine, f"/api/v1/uso/permiso?resource_type={name}")) for name in (str(theirs), "nothing")
    )
    assert gone == never


def test_a_revoked_key_of_theirs_is_like_one_that_never_was(client, mine, theirs):
    token = key_of(theirs)
    with tenancy.bound(theirs):
        key = next(each for each in api_keys.of_tenant() if token.startswith(each.shown))
        billing_keys.revoke(key.id, actor=ACTOR)
    unknown = api_keys.new_token(livemode=False)
    for path in READ:
        assert said(read(client, token, path)) == said(read(client, unknown, path))
    assert said(send(client, token, EVENT)) == said(send(client, unknown, EVENT))
