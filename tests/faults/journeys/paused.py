"""A trial that ended without a payment method and was paused: a method is added, and the plan goes on."""

from tests.faults.acts import filling, looking, posting
from tests.faults.forks import Outcome
from tests.faults.journey import Found, Journey
from tests.faults.journeys.purchase import PRICE_MINOR

_POLICY = "UPDATE plans SET trial_end = :end WHERE plan_id = 'starter' RETURNING 1"
_HELD = "SELECT stripe_subscription_id, status FROM subscriptions WHERE tenant_id = :tenant"
LIST = "/payment-methods"


class Paused(Journey):
    """Its first period is charged once, however often somebody asks to go on."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self._try_without_a_card()
            self._end_the_trial()
            self._add_a_card()
        self.until(self._is("active"), lambda: filling(self.cookies, "/", "/subscription/resume"))
        self.settle()

    def _try_without_a_card(self) -> None:
        self.world.rows(_POLICY, end="pause")
        try:
            form = {"plan_id": "starter", "interval": "month", "trial": "yes"}
            self.until(self._is("trialing"), lambda: posting(self.cookies, "/checkout", "/plans", **form))
        finally:
            self.world.rows(_POLICY, end="cancel")

    def _end_the_trial(self) -> None:
        subscription_id = self.of_tenant(_HELD)[0]["stripe_subscription_id"]
        self.at_stripe(f"subscriptions/{subscription_id}", trial_end="now")
        self.settle()
        assert self.of_tenant(_HELD)[0]["status"] == "paused"

    def _add_a_card(self) -> None:
        setup = "SELECT id, stripe_session_id FROM method_setups WHERE tenant_id = :tenant"
        self.until(lambda _: self.of_tenant(setup), lambda: posting(self.cookies, LIST, LIST))
        row = self.of_tenant(setup)[0]
        self.world.sandbox.pay(row["stripe_session_id"])
        self.until("status", lambda: looking(self.cookies, f"{LIST}/setups/{row['id']}"))
        self.settle()

    def _is(self, status: str) -> Found:
        def look(_outcome: Outcome) -> bool:
            self.settle()
            return [row["status"] for row in self.of_tenant(_HELD)] == [status]

        return look

    def verify(self) -> None:
        """One subscription that runs, one charge for its first period."""
        self.verify_nothing_is_left()
        assert [row["status"] for row in self.of_tenant(_HELD)] == ["active"]
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        assert [each["status"] for each in listed("subscriptions", customer=customer)] == ["active"]
        assert [each["amount"] for each in listed("charges", customer=customer)] == [PRICE_MINOR]
        assert self.audited("subscription.resume") >= 1
        self.verify_mails()
