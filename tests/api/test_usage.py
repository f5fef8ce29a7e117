"""Usage by the API: the contract's snippet, many at once, packed, and whether more may be used."""

import gzip
import json
from decimal import Decimal

import pytest

from portal import tenancy
from portal.billing import api_keys as billing_keys
from portal.extensions import db
from portal.models import ApiKey, UsageEvent
from portal.security import api_keys
from tests.pages import rows
from tests.support import keys
from tests.support.shopping import ACTOR, make_tenant

SNIPPET = {
    "resource_type": "api_calls",
    "quantity": 100,
    "unit": "requests",
    "period_start": "2024-01-01T00:00:00Z",
    "period_end": "2024-01-31T23:59:59Z",
    "source": "api",
}
NOW = {name: value for name, value in SNIPPET.items() if not name.startswith("period")}
BOTH = ("usage:read", "usage:write")


@pytest.fixture(name="key")
def fixture_key(app, tenant):
    return key_of(tenant)


def key_of(tenant_id, scopes=BOTH, **options):
    with tenancy.bound(tenant_id):
        return keys.made(scopes, actor=ACTOR, **options)


def auth(token):
    return {"Authorization": f"Bearer {token}"}


def post(client, token, path="/api/v1/uso", body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    return client.post(path, data=body, headers={"Content-Type": "application/json", **auth(token), **headers})


def stored(tenant_id):
    with tenancy.bound(tenant_id):
        return db.session.scalar(db.select(db.func.count()).select_from(UsageEvent))


@pytest.mark.parametrize("path", ["/api/v1/uso", "/api/v1/usage"])
def test_the_contracts_snippet(client, key, tenant, path):
    for times in (1, 2):
        answer = post(client, key, path, SNIPPET)
        assert (answer.status_code, answer.json) == (201, {"status": "late"})
        assert stored(tenant) == times


def test_with_an_id_or_an_idempotency_key_it_counts_once(client, key, tenant):
    event = {**SNIPPET, "event_id": "a"}
    assert [post(client, key, body=event).status_code for _ in range(3)] == [201, 200, 200]
    conflict = post(client, key, body={**event, "quantity": 101})
    assert (conflict.status_code, conflict.json["code"]) == (409, "event_id_conflict")
    assert [post(client, key, body=SNIPPET, Idempotency_Key="b").status_code for _ in range(2)] == [201, 200]
    assert stored(tenant) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"resource_type": "nothing", "quantity": 1}, "usage_rejected"),
        ({"resource_type": "api_calls", "quantity": -1}, "usage_rejected"),
        ([SNIPPET], "invalid_batch"),
        ("{", "invalid_batch"),
        (f"{json.dumps(SNIPPET)}, {json.dumps(SNIPPET)}", "invalid_batch"),
        (b"\xff", "not_readable"),
    ],
)
def test_what_does_not_count_says_why(client, key, tenant, body, code):
    answer = post(client, key, body=body)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == code
    assert "Project-Id-Version" not in answer.json["detail"], "what gettext says to nothing"
    assert stored(tenant) == 0


def test_many_at_once_in_each_form(client, key, tenant):
    events = [{**SNIPPET, "event_id": str(number)} for number in range(3)] + [{"resource_type": "x"}]
    lines = "\n".join(json.dumps(event) for event in events)
    forms = [
        (json.dumps(events), {}),
        (lines, {"Content_Type": "application/x-ndjson"}),
        (gzip.compress(json.dumps(events).encode()), {"Content_Encoding": "gzip"}),
    ]
    for number, (body, headers) in enumerate(forms):
        answer = post(client, key, "/api/v1/uso/lote", body, **headers)
        status = "duplicate" if number else "late"
        assert answer.status_code == 200
        assert answer.json["items"] == [{"status": status}] * 3 + [{"status": "rejected", "reason": "unknown_resource"}]
        assert answer.json[status] == 3
    assert stored(tenant) == 3


def test_a_bomb_is_not_unpacked(client, key):
    answer = post(client, key, "/api/v1/uso/lote", gzip.compress(b" " * 50_000_000), Content_Encoding="gzip")
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert post(client, key, "/api/v1/uso/lote", b"\x1f\x8b broken", Content_Encoding="gzip").status_code == 400
    assert post(client, key, "/api/v1/uso/lote", b"[]", Content_Encoding="br").status_code == 400


@pytest.mark.parametrize("token", ["", "bp_test_nonsense", "bp_test_" + "a" * 38])
def test_without_a_key_nobody_speaks(client, token):
    for answer in (post(client, token, body=SNIPPET), client.get("/api/v1/uso/permiso", headers=auth(token))):
        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_does_what_it_may_until_it_is_revoked(client, app, tenant):
    reader = key_of(tenant, ["usage:read"])
    refused = post(client, reader, body=SNIPPET)
    assert (refused.status_code, refused.json["code"]) == (403, "missing_scope")
    writer = key_of(tenant, ["usage:write"])
    assert post(client, writer, body=SNIPPET).status_code == 201
    assert client.get("/api/v1/uso/permiso?resource_type=api_calls", headers=auth(writer)).status_code == 403
    with tenancy.bound(tenant):
        key = next(each for each in api_keys.of_tenant() if each.shown == writer[: len(each.shown)])
        assert key.last_used_at is not None
        billing_keys.revoke(key.id, actor=ACTOR)
    assert post(client, writer, body=SNIPPET).status_code == 401


def test_a_key_is_kept_as_its_hash_and_belongs_to_its_tenant(client, app, tenant):
    token, other = key_of(tenant), make_tenant()
    with tenancy.bound(tenant):
        [key] = db.session.scalars(db.select(ApiKey))
        assert token.encode() not in (key.token_hash, key.shown.encode())
    assert post(client, token, body=SNIPPET).status_code == 201
    assert (stored(tenant), stored(other)) == (1, 0)


def test_whether_more_may_be_used(client, key, tenant, settings):
    path = "/api/v1/uso/permiso?resource_type=api_calls&quantity={}"
    nothing = client.get(path.format(1), headers=auth(key))
    assert nothing.json | {"resets_at": None} == {
        "allowed": False, "used": 0, "limit": 0, "remaining": 0, "resets_at": None, "reason": "no_plan",
    }  # fmt: skip
    with rows.written(settings) as session:
        rows.subscription(session, tenant)
    fresh = key_of(tenant)  # what was answered to the other key is remembered for it
    post(client, fresh, body=NOW)
    for quantity, allowed in ((9_900, True), ("9900.5", False)):
        answer = client.get(path.format(quantity), headers=auth(fresh)).json
        assert (answer["allowed"], answer["used"], answer["limit"], answer["remaining"]) == (
            allowed,
            100,
            10_000,
            9_900,
        )
    for wrong in ("x", "-1", "NaN", "1e99", ""):
        assert client.get(path.format(wrong), headers=auth(fresh)).json["code"] == "invalid_quantity"
    unknown = client.get("/api/v1/uso/permiso?resource_type=nothing", headers=auth(fresh))
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_resource")


def test_the_summary(client, key, tenant, settings):
    with rows.written(settings) as session:
        rows.subscription(session, tenant)
    post(client, key, body=NOW)
    post(client, key, body={"resource_type": "users", "quantity": "2.50"})
    for path in ("/api/v1/uso/resumen", "/api/v1/usage/summary"):
        answer = client.get(path, headers=auth(key)).json
        assert answer["period_start"].endswith("Z")
        known = {"unit": "", "limit_kind": "hard"}
        assert answer["resources"] == [
            known | {"resource_type": "api_calls", "unit": "requests", "used": 100, "limit": 10000, "remaining": 9900},
            known | {"resource_type": "storage_gb", "unit": "GB", "used": 0, "limit": 50, "remaining": 50},
            known | {"resource_type": "users", "used": Decimal("2.5"), "limit": 0, "remaining": 0},
        ]


def test_a_batch_that_is_sent_again_with_its_key_counts_once(client, key, tenant):
    """Its events have no ids: they are known by the key and their place."""
    for status in ("accepted", "duplicate"):
        answer = post(client, key, "/api/v1/uso/lote", [NOW, NOW], Idempotency_Key="batch-1")
        assert [item["status"] for item in answer.json["items"]] == [status] * 2
    assert stored(tenant) == 2


def test_packed_files_that_were_appended_are_one(client, key, tenant):
    lines = [json.dumps({**NOW, "event_id": str(number)}).encode() + b"\n" for number in range(3)]
    body = b"".join(gzip.compress(line) for line in lines)
    headers = {"Content_Type": "application/x-ndjson", "Content_Encoding": "gzip"}
    assert post(client, key, "/api/v1/uso/lote", body, **headers).json["accepted"] == 3
    assert post(client, key, "/api/v1/uso/lote", body[:-5], **headers).json["code"] == "not_readable"
    assert stored(tenant) == 3
