"""A subscription that ends: canceled for later, taken back, then ended at once with what is left given back."""

from typing import Any

from tests.faults.acts import filling, posting
from tests.faults.journey import Found, Journey
from tests.faults.journeys.purchase import PRICE_MINOR

PAGE = "/subscription/cancel"
_POLICY = "UPDATE plans SET cancel_at = '{}', cancel_refund = '{}' WHERE plan_id = 'starter' RETURNING 1"
ENDS_AT_ONCE, ENDS_LATER = _POLICY.format("choice", "prorated"), _POLICY.format("period_end", "none")
_HELD = "SELECT status, cancel_at_period_end FROM subscriptions WHERE tenant_id = :tenant"


class Leaving(Journey):
    """Every step once, and the money goes back before anything ends."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
        self.until(self._reaches("scheduled"), lambda: posting(self.cookies, PAGE, "/account", reason="unused"))
        self.settle()
        self.until(self._reaches("undone"), lambda: posting(self.cookies, "/subscription/keep", "/account"))
        self.settle()
        self.world.rows(ENDS_AT_ONCE)
        try:
            self.until(self._reaches("ended"), lambda: filling(self.cookies, PAGE, PAGE, ending="now"))
        finally:
            self.world.rows(ENDS_LATER)
        self.settle()

    def _reaches(self, state: str) -> Found:
        return lambda _outcome: state in [row["state"] for row in self._cancellations()][-1:]

    def _cancellations(self) -> list[dict[str, Any]]:
        query = "SELECT id, state, refund_minor FROM cancellations WHERE tenant_id = :tenant ORDER BY id"
        return self.of_tenant(query)

    def verify(self) -> None:
        """What was stated went back, once; here and at Stripe the subscription has ended."""
        self.verify_nothing_is_left()
        undone, ended = self._cancellations()
        assert (undone["state"], ended["state"]) == ("undone", "ended")
        assert [tuple(row.values()) for row in self.of_tenant(_HELD)] == [("canceled", False)]
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        assert [each["status"] for each in listed("subscriptions", customer=customer, status="all")] == ["canceled"]
        refunded = [each["amount_refunded"] for each in listed("charges", customer=customer)]
        assert refunded == [ended["refund_minor"]]
        assert 0 < ended["refund_minor"] <= PRICE_MINOR
        assert self.audited("cancellation.request") == 2
        assert [self.audited(f"cancellation.{verb}") for verb in ("undone", "ended")] == [1, 1]
        self.verify_mails()
