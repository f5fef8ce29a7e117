"""Random lives of tenants through the pages' verbs: after each step our record is Stripe's, and the books add up.

TENANT_LIVES=100 is the whole demonstration; every run of the suite lives a few, others each time.
"""

import os
from decimal import Decimal

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from portal import tenancy
from portal.billing import cancellations, checkouts, collection, discounts, payment_methods, plan_changes
from portal.billing.subscriptions import live_subscription
from portal.errors import DomainError
from portal.extensions import db
from portal.models import Invoice, PaymentMethod
from tests.scenarios.test_collection import FAILS_LATER, GOOD, add
from tests.support import coupons
from tests.support.agreement import assert_agreed
from tests.support.life import Life
from tests.support.shopping import ACTOR

LIVES = int(os.environ.get("TENANT_LIVES", "3"))
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
        self.life.advance(days=days, hours=hours)
        self._agree()

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

    @rule(code=st.sampled_from(["ONCE", "EVER", "NOTHING"]))
    def use_coupon(self, code: str) -> None:
        self._try(lambda: discounts.apply(code, actor=ACTOR))

    @rule()
    def leave(self) -> None:
        self._try(lambda: cancellations.cancel("period_end", actor=ACTOR))

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


def test_lives_of_tenants(web, stripe_sandbox, drain, pdf):
    coupons.make(web, "ONCE", percent_off=Decimal(30), duration="once")
    coupons.make(web, "EVER", percent_off=Decimal("12.5"), duration="forever")
    TenantLife.make = staticmethod(lambda: Life(web, stripe_sandbox, drain))
    how = settings(
        max_examples=LIVES, stateful_step_count=STEPS, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), print_blob=True,
    )  # fmt: skip
    run_state_machine_as_test(TenantLife, settings=how)
