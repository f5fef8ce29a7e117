"""The free plan: it costs nothing, and gives way to the first that does."""

from tests.faults.acts import choosing
from tests.faults.forks import Outcome
from tests.faults.journey import Journey

PRICE_MINOR = 2900


class Free(Journey):
    """Free, and later a plan that costs."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
        self.until(_is_chosen, lambda: choosing(self.cookies, "free"))
        self.settle()
        self.buy()
        self.settle()

    def verify(self) -> None:
        """One subscription lives, the free one is over and nothing was paid for it."""
        self.verify_nothing_is_left()
        query = "SELECT plan_id, status, superseded_reason FROM subscriptions WHERE tenant_id = :tenant ORDER BY 1"
        assert [tuple(row.values()) for row in self.of_tenant(query)] == [
            ("free", "canceled", "replaced"),
            ("starter", "active", None),
        ]
        states = "SELECT plan_id, state FROM checkouts WHERE tenant_id = :tenant ORDER BY 1"
        assert [tuple(row.values()) for row in self.of_tenant(states)] == [
            ("free", "complete"),
            ("starter", "complete"),
        ]
        assert self.audited("subscription.end") == 1
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        ends = sorted(each["status"] for each in listed("subscriptions", customer=customer, status="all"))
        assert ends == ["active", "canceled"]
        charges = [(each["amount"], each["amount_refunded"]) for each in listed("charges", customer=customer)]
        assert charges == [(PRICE_MINOR, 0)]
        self.verify_mails()


class Late(Journey):
    """The free plan, of which Stripe made everything and never said so; found a day later, its keys forgotten."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
        self._lose_answer("POST /v1/customers")
        self.until(lambda _outcome: self.checkout(), lambda: choosing(self.cookies, "free"))
        self._a_day_later("customers", "requested_at")
        self._lose_answer("POST /v1/subscriptions")
        self._until_stripe_has_it()
        self._a_day_later("checkouts", "created_at")
        self.settle()

    def _lose_answer(self, match: str) -> None:
        self.world.sandbox.post("fail", match=match, mode="drop_after_effect")

    def _a_day_later(self, table: str, column: str) -> None:
        change = f"UPDATE {table} SET {column} = {column} - interval '1 day' WHERE tenant_id = :tenant RETURNING 1"  # noqa: S608
        self.of_tenant(change)

    def _until_stripe_has_it(self) -> None:
        for _try in range(8 + len(self.points)):
            self.worker_works()
            self.world.let_time_pass()
            if self._subscriptions():
                return
        raise AssertionError(f"no subscription at Stripe: {self.world.open_rows()}")

    def _subscriptions(self) -> list[str]:
        customer = self.stripe_id()
        listed = self.world.sandbox.listed("subscriptions", customer=customer) if customer else []
        return [each["id"] for each in listed]

    def verify(self) -> None:
        """What was made is found, and nothing is made a second time."""
        self.verify_nothing_is_left()
        made = self._subscriptions()
        query = "SELECT plan_id, status, stripe_subscription_id FROM subscriptions WHERE tenant_id = :tenant"
        assert [tuple(row.values()) for row in self.of_tenant(query)] == [("free", "active", *made)]
        states = "SELECT plan_id, state, stripe_subscription_id FROM checkouts WHERE tenant_id = :tenant"
        assert [tuple(row.values()) for row in self.of_tenant(states)] == [("free", "complete", *made)]
        assert self.world.sandbox.listed("charges", customer=self.stripe_id()) == []
        self.verify_mails()


def _is_chosen(outcome: Outcome) -> bool:
    """Subscribed; or it was by an earlier try whose answer was lost, which is said too."""
    return outcome.facts.get("answered", [0])[0] in (303, 409)
