"""Checkouts that come to nothing: one that Stripe refuses, one that the customer leaves."""

from typing import Any

from tests.faults.acts import choosing, leaving
from tests.faults.forks import Outcome
from tests.faults.journey import Journey

_PRICE = "plan_id = 'enterprise' AND interval = 'month' AND retired_at IS NULL"


class Left(Journey):
    """A plan whose price is gone at Stripe is refused; another is opened, and left without paying."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
        self._choose_what_is_gone()
        self.session_id = self.choose("starter")
        checkout_id = str(self.checkout()["id"])
        self.until("left", lambda: leaving(self.cookies, checkout_id))
        self.settle()

    def _choose_what_is_gone(self) -> None:
        price_id = self.world.rows(f"SELECT stripe_price_id FROM plan_prices WHERE {_PRICE}")[0]["stripe_price_id"]  # noqa: S608
        change = f"UPDATE plan_prices SET stripe_price_id = :price WHERE {_PRICE} RETURNING id"  # noqa: S608
        self.world.rows(change, price=f"{price_id}_gone")
        try:
            self.until(self._has_failed, lambda: choosing(self.cookies, "enterprise"))
        finally:
            self.world.rows(change, price=price_id)

    def _has_failed(self, _outcome: Outcome) -> bool:
        return self.checkout().get("state") == "failed"

    def verify(self) -> None:
        """Nothing was bought and nothing can be: both are over, here and at Stripe."""
        self.verify_nothing_is_left()
        found = self.of_tenant("SELECT plan_id, state, error_code, stripe_session_id FROM checkouts")
        mine = [row for row in self._checkouts() if row["plan_id"] == "starter"]
        assert [(row["state"], row["stripe_session_id"]) for row in mine] == [("expired", self.session_id)]
        refused = [row for row in self._checkouts() if row["plan_id"] == "enterprise"]
        assert {(row["state"], bool(row["error_code"]), row["stripe_session_id"]) for row in refused} == {
            ("failed", True, None)
        }
        assert len(refused) <= 1 + self.faults, found
        assert self.audited("checkout.fail") == len(refused)
        assert [self.audited(f"checkout.{verb}") for verb in ("abandon", "expired")] == [1, 1]
        nothing = ("subscriptions", "invoices", "payments", "notices")
        assert self.count(*nothing) == dict.fromkeys(nothing, 0)
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        sessions = listed("checkout/sessions", customer=customer)
        assert [(each["id"], each["status"]) for each in sessions] == [(self.session_id, "expired")]
        for kind in ("charges", "invoices", "subscriptions"):
            assert listed(kind, customer=customer) == []

    def _checkouts(self) -> list[dict[str, Any]]:
        return self.of_tenant("SELECT * FROM checkouts WHERE tenant_id = :tenant")
