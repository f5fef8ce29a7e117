"""Random lives of tenants through the pages' verbs: after each step our record is Stripe's, and the books add up.

TENANT_LIVES=100 is the whole demonstration; every run of the suite lives a few, others each time.
"""

import os
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy import select, update

from portal import tenancy
from portal.billing import (
    cancellations,
    checkouts,
    collection,
    discounts,
    payment_methods,
    plan_changes,
    summaries,
    trials,
)
from portal.billing.subscriptions import live_subscription
from portal.errors import DomainError
from portal.extensions import db
from portal.models import Invoice, PaymentMethod, Plan
from tests.pages import rows
from tests.scenarios.test_collection import FAILS_LATER, GOOD, add
from tests.support import coupons
from tests.support.agreement import assert_agreed
from tests.support.life import Life
from tests.support.shopping import ACTOR

LIVES = int(os.environ.get("TENANT_LIVES", "2"))
STEPS = 8
PLANS = st.sampled_from(["free", "starter", "professional", "enterprise"])
INTERVALS = st.sampled_from(["month", "year"])


class TenantLife(RuleBasedStateMachine):
    """What a tenant may do in any order. What is refused has to leave everything as it was."""

    make: staticmethod

    @initialize(plan=PLANS, interval=INTERVALS, trial=st.booleans())
    def begin(self, plan: str, interval: str, trial: bool) -> None:
        self.life: Life = self.make()
        self.buy(plan, interval, trial and plan != "free")  # refused before there is a customer, it is no life

    @rule(plan=PLANS, interval=INTERVALS, trial=st.booleans())
    def buy(self, plan: str, interval: str, trial: bool) -> None:
        checkout = self._try(
            lambda: checkouts.start(plan, interval, actor=ACTOR, language="en", trial=trial), checks=False
        )
        if checkout is not None and checkout.stripe_session_id:
            self.life.sandbox.pay(checkout.stripe_session_id)
            self.life.land(checkout)
        self._agree()

    @rule(days=st.integers(1, 45), hours=st.integers(0, 23))
    def wait(self, days: int, hours: int) -> None:
        """What the overview says of the next charge is what is invoiced then."""
        until = self.life.now + timedelta(days=days, hours=hours)
        with tenancy.bound(self.life.tenant_id):
            trial = trials.current()
            # A trial's price is promised to who has a method; the others are told what becomes of it.
            promise = None if trial is not None and not trial.has_method else summaries.overview().next_charge
        if promise is not None and promise.at is not None and self.life.now < promise.at <= until:
            self.life.advance_to(promise.at + timedelta(hours=2))
            assert self._invoiced(promise.at) == promise.amount_minor, promise
        self.life.advance_to(until)
        self._agree()

    def _invoiced(self, at: datetime) -> int:
        """What was due on the invoices that Stripe made for the period that begins then."""
        with tenancy.bound(self.life.tenant_id):
            made = select(Invoice.amount_due_minor).where(
                Invoice.created_at.between(at, at + timedelta(hours=1)), Invoice.status != "draft"
            )
            return sum(db.session.scalars(made))

    @rule(card=st.sampled_from([GOOD, FAILS_LATER]), is_default=st.booleans())
    def add_card(self, card: str, is_default: bool) -> None:
        method = add(self.life, card)
        if is_default:
            self._try(lambda: payment_methods.make_default(method.id, actor=ACTOR))
        else:
            self._try(lambda: payment_methods.set_backup(method.id, actor=ACTOR))

    @rule()
    def remove_card(self) -> None:
        self._try(lambda: payment_methods.remove(self._method().id, actor=ACTOR))

    @rule(plan=PLANS, interval=INTERVALS, quantity=st.sampled_from([1, 1, 0, 10**9]))
    def change(self, plan: str, interval: str, quantity: int) -> None:
        def change() -> None:
            offer = plan_changes.quote(plan, interval, quantity, actor=ACTOR)
            plan_changes.confirm(offer.id, actor=ACTOR)

        self._try(change)

    @rule()
    def take_the_change_back(self) -> None:
        def take_back() -> None:
            if (change := plan_changes.under_way()) is not None:
                plan_changes.cancel(change.id, actor=ACTOR)

        self._try(take_back)

    @rule(code=st.sampled_from(["ONCE", "MONTHS", "EVER", "NOTHING"]))
    def use_coupon(self, code: str) -> None:
        self._try(lambda: discounts.apply(code, actor=ACTOR))

    @rule()
    def remove_coupon(self) -> None:
        def remove() -> None:
            found = live_subscription()
            for running in discounts.running(found) if found else []:
                if running.redemption is not None:
                    discounts.remove(running.redemption.id, actor=ACTOR)

        self._try(remove)

    @rule()
    def leave(self) -> None:
        self._try(lambda: cancellations.cancel("period_end", actor=ACTOR))

    @rule()
    def leave_at_once(self) -> None:
        """What was stated goes back, to the minor unit."""
        before = self._given_back()

        def leave() -> int:
            stated = cancellations.quote()
            cancellations.cancel("now", actor=ACTOR, token=stated.token)
            return stated.refund_minor

        stated = self._try(leave)
        assert self._given_back() - before == (stated or 0)

    def _given_back(self) -> int:
        charges = self.life.sandbox.listed("charges", customer=str(self.life.customer.stripe_customer_id))
        return sum(charge["amount_refunded"] for charge in charges)

    @rule()
    def stay(self) -> None:
        self._try(lambda: cancellations.keep(actor=ACTOR))

    @rule()
    def pay_what_is_owed(self) -> None:
        def pay() -> None:
            owed = db.session.query(Invoice).filter(Invoice.status == "open").first()
            if owed is not None:
                expected = owed.amount_remaining_minor
                collection.pay(owed.id, self._method().id, makes_default=True, expected_minor=expected, actor=ACTOR)

        self._try(pay)

    def _method(self) -> PaymentMethod:
        found = db.session.query(PaymentMethod).filter(PaymentMethod.detached_at.is_(None)).all()
        if not found:
            raise DomainError
        return found[-1]

    def _try(self, act, *, checks: bool = True):
        """Do it as the tenant; a refusal is an answer like any other."""
        done = None
        with tenancy.bound(self.life.tenant_id):
            try:
                done = act()
            except DomainError:
                db.session.rollback()
        self.life.hear()
        if checks:
            self._agree()
        return done

    def _agree(self) -> None:
        assert_agreed(self.life)
        with tenancy.bound(self.life.tenant_id):
            live_subscription()


@pytest.mark.parametrize("policy", [{}, {"interval_change_at": "now", "downgrade_at": "now"}], ids=["later", "now"])
def test_lives_of_tenants(web, stripe_sandbox, drain, pdf, settings, policy):
    with rows.written(settings) as session:
        session.execute(update(Plan).values(cancel_at="choice", cancel_refund="prorated", **policy))
    coupons.make(web, "ONCE", percent_off=Decimal(30), duration="once")
    coupons.make(web, "MONTHS", percent_off=Decimal(50), duration="repeating", duration_in_months=2)
    coupons.make(web, "EVER", percent_off=Decimal("12.5"), duration="forever")
    TenantLife.make = staticmethod(lambda: Life(web, stripe_sandbox, drain))
    how = hypothesis_settings(
        max_examples=LIVES, stateful_step_count=STEPS, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    run_state_machine_as_test(TenantLife, settings=how)
