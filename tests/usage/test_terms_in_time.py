"""Usage is billed by the terms that its plan had when the period began, whatever they are when it ends."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.models import PlanResource, UsageCharge
from portal.pricing.metering import Tier
from portal.usage import closing, ingest, plan_terms
from tests.pages import rows
from tests.support import people
from tests.support.shopping import make_tenant

START = datetime(2040, 3, 1, tzinfo=UTC)  # ahead of now: terms are given in real time
END = datetime(2040, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(name="charged")
def fixture_charged(web, worker, settings, monkeypatch):
    """What 100 calls of a month cost, in minor units, and what was included; ``before`` and ``during`` it happens."""

    def charged(before, during=lambda: None):
        tenant_id = make_tenant()
        with rows.written(settings) as session:
            session.execute(text("UPDATE plans SET limits = '{\"users\": 3}' WHERE plan_id = 'starter'"))
            span = {"current_period_start": START, "current_period_end": END}
            rows.subscription(session, tenant_id, **span)
        before()
        age(settings, START - DAY)
        monkeypatch.setattr("portal.clock.stripe_now", lambda: END - DAY)
        with tenancy.bound(tenant_id):
            ingest.record(json.dumps([{"resource_type": "api_calls", "quantity": 100}]))
        during()
        age(settings, START + DAY)
        monkeypatch.setattr("portal.clock.stripe_now", lambda: END + DAY)
        with worker.app_context():
            closing.close_due()
        with tenancy.bound(tenant_id):
            found = db.session.scalars(select(UsageCharge)).all()
            return [(row.amount_minor, row.included) for row in found]

    return charged


def age(settings, at):
    """What was written of terms in real time was written then."""
    with rows.written(settings) as session:
        session.execute(
            text("UPDATE plan_resource_versions SET valid_from = :at + (valid_from - now())"
                 " WHERE valid_from < '2039-01-01'"), {"at": at}
        )  # fmt: skip


@pytest.fixture(name="sell")
def fixture_sell(web):
    """Give the plan terms, as staff do: so many included (``None``: without end), each more at so many minor units."""
    actor = people.staff("finance").user_id

    def sell(included, cents):
        tiers = {"usd": [Tier(None, Decimal(cents))]}
        draft = plan_terms.Draft(None if included is None else Decimal(included), "soft", tiers=tiers)
        plan_terms.change("starter", "api_calls", draft, actor=actor)

    sell.no_more = lambda: plan_terms.remove("starter", "api_calls", actor=actor)
    return sell


def test_another_price_is_that_of_the_next_month(charged, sell):
    assert charged(lambda: sell(10, 1), lambda: sell(50, 7)) == [(90, 10)]


def test_the_last_price_before_the_month_counts(charged, sell):
    def twice():
        sell(10, 1)
        sell(20, 2)

    assert charged(twice, lambda: sell(50, 7)) == [(160, 20)]


def test_what_is_taken_out_of_the_plan_costs_what_it_did(charged, sell):
    assert charged(lambda: sell(10, 1), sell.no_more) == [(90, 10)]


def test_without_terms_then_the_first_later_ones_count(charged, sell):
    def meanwhile():
        sell(30, 3)
        sell(50, 7)

    assert charged(lambda: None, meanwhile) == [(210, 30)]


def test_what_was_taken_out_before_and_came_back(charged, sell):
    def in_and_out():
        sell(10, 1)
        sell.no_more()

    assert charged(in_and_out, lambda: sell(30, 3)) == [(210, 30)]


def test_without_end_stays_without_end(charged, sell):
    """The plan's limit is set with the new terms; the former had none."""
    assert charged(lambda: sell(None, 1), lambda: sell(10, 1)) == [(0, None)]


def test_limits_of_the_plan_are_kept_with_the_terms(charged, settings):
    """Terms that say nothing of what is included have what the plan's limits said then."""

    def limit(number):
        with rows.written(settings) as session:
            session.execute(
                text("UPDATE plans SET limits = jsonb_build_object('api_calls', CAST(:number AS numeric))"
                     " WHERE plan_id = 'starter'"), {"number": number}
            )  # fmt: skip

    def by_hand():
        with rows.written(settings) as session:
            tiers = {"usd": [{"up_to": None, "unit_amount_decimal": "1"}]}
            session.add(PlanResource(plan_id="starter", resource_type="api_calls", limit_kind="soft", tiers=tiers))
        limit(40)

    assert charged(by_hand, lambda: limit(70)) == [(60, 40)]
