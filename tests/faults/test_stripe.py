"""Stripe answers with errors, late, or not at all: what the customer sees, and how it heals."""

from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from portal import tenancy
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.errors import PaymentServiceUnavailable, StripeRefused
from portal.models import Checkout
from tests.support import database
from tests.support.shopping import buy, land, make_tenant, start, step

SESSIONS = "POST /v1/checkout/sessions"


@pytest.fixture(name="fail")
def fixture_fail(stripe_sandbox):
    """Let the next matching call fail in a way of the control API."""
    yield lambda match, mode, times=1: stripe_sandbox.post("fail", match=match, mode=mode, times=times)
    stripe_sandbox.forget("fail")


def sessions_of(tenant_id: UUID) -> list[str]:
    listed = gateway().read(lambda s: s.v1.checkout.sessions.list({"limit": 100}))
    return [session.id for session in listed.data if session.metadata["tenant_id"] == str(tenant_id)]


@pytest.mark.parametrize("mode", ["429", "500", "connection_reset", "drop_after_effect"])
def test_an_unknown_answer_is_finished_by_a_worker(web, tenant, drain, fail, mode):
    fail(SESSIONS, mode)
    with pytest.raises(PaymentServiceUnavailable):
        start(tenant)
    drain()
    checkout = start(tenant)  # the next click
    assert checkout.state == "open"
    assert sessions_of(tenant) == [checkout.stripe_session_id]
    with tenancy.bound(tenant):
        assert db.session.scalar(select(func.count()).select_from(Checkout)) == 1


def test_a_refusal_ends_the_checkout_and_a_new_one_may_begin(web, tenant):
    database.as_owner(
        web.extensions["settings"], "UPDATE plan_prices SET stripe_price_id = 'price_' || id WHERE plan_id = 'starter'"
    )
    with pytest.raises(StripeRefused):
        start(tenant)
    with tenancy.bound(tenant):
        assert [row.state for row in db.session.scalars(select(Checkout))] == ["failed"]
    assert start(tenant, "professional").state == "open"


def test_stripe_away_while_mirroring(web, tenant, stripe_sandbox, drain, fail):
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    fail("GET /v1/checkout/sessions/*", "500")
    land(tenant, checkout)
    drain()
    assert step(tenant, checkout) == "waiting"
    database.let_time_pass(web.extensions["settings"])
    drain()
    assert step(tenant, checkout) == "active"


def test_an_outage_of_an_hour_heals_by_itself(web, tenant, stripe_sandbox, drain, fail):
    """Paid just before: pages still answer, a new click is told to wait, and nothing is given up."""
    settings = web.extensions["settings"]
    checkout = start(tenant)
    stripe_sandbox.pay(checkout.stripe_session_id)
    land(tenant, checkout)
    other = make_tenant()
    fail("*", "connection_reset", times=10_000)
    with pytest.raises(PaymentServiceUnavailable) as told:
        start(other)
    assert "you will not be charged twice" in str(told.value.remedy)
    for _minutes in range(0, 60, 2):
        drain()
        assert step(tenant, checkout) == "waiting"
        database.let_time_pass(settings)
    stripe_sandbox.forget("fail")
    waits = database.as_owner(settings, "SELECT max(next_at) - now() < interval '31 seconds' AS short FROM outbox")
    assert waits == [{"short": True}], "soon after Stripe is back somebody looks"
    for _turn in range(3):
        database.let_time_pass(settings)
        drain()
    assert step(tenant, checkout) == "active"
    assert start(other).state == "open"
    assert len(sessions_of(other)) == 1
    assert database.as_owner(settings, "SELECT kind, details FROM drift_findings") == []


def test_running_everything_again_changes_nothing(web, tenant, stripe_sandbox, drain):
    """The same work done twice, as after a crash between effect and commit."""
    buy(tenant, stripe_sandbox, drain)
    before = _counts(tenant)
    database.as_owner(
        web.extensions["settings"],
        "UPDATE stripe_objects SET wanted = wanted + 1",
        "UPDATE outbox SET done_at = NULL, lease_until = NULL WHERE kind <> 'mail.send'",
    )
    drain()
    assert _counts(tenant) == before


def _counts(tenant_id: UUID) -> dict[str, int]:
    tables = ("subscriptions", "invoices", "invoice_lines", "payments", "invoice_documents", "notices", "checkouts")
    with tenancy.bound(tenant_id):
        return {table: db.session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables}  # noqa: S608
