"""What does not fit: an object that this portal never sold, an event of another version, a Stripe that is away."""

from tests.faults.acts import choosing, delivering
from tests.faults.journey import Journey


class Strange(Journey):
    """Beside the free plan, support subscribes the customer to something of its own."""

    strange: str = ""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.until(lambda _: self.checkout().get("state") == "complete", lambda: choosing(self.cookies, "free"))
            self.settle()
            self.strange = self.subscribe_at_stripe(self._foreign_price())
            self.world.sandbox.post("fail", match=f"GET /v1/subscriptions/{self.strange}", mode="500")
        of_old = {**self.undelivered()[0], "id": f"evt_old_{self.strange}", "api_version": "2020-08-27"}
        self.until(lambda outcome: outcome.facts.get("acknowledged"), lambda: delivering([of_old]))
        self.settle()

    def _foreign_price(self) -> str:
        product = self.at_stripe("products", name="A favour")["id"]
        form = {"product": product, "currency": "usd", "unit_amount": "100", "recurring[interval]": "month"}
        return str(self.at_stripe("prices", **form)["id"])

    def verify(self) -> None:
        """The plan lives on; of the rest staff are told, once, and nothing is done about it."""
        self.verify_nothing_is_left("parked_event", "parked_object")
        query = "SELECT plan_id, status FROM subscriptions WHERE tenant_id = :tenant"
        assert [tuple(row.values()) for row in self.of_tenant(query)] == [("free", "active")]
        parked = self.world.rows("SELECT id FROM stripe_objects WHERE parked_at IS NOT NULL")
        assert [row["id"] for row in parked] == [self.strange]
        found = self.world.rows("SELECT object_id FROM drift_findings ORDER BY kind")
        assert [row["object_id"] for row in found] == [f"evt_old_{self.strange}", self.strange]
        listed = self.world.sandbox.listed("subscriptions", customer=self.stripe_id(), status="all")
        assert [each["status"] for each in listed] == ["active", "active"]
        charges = self.world.sandbox.listed("charges", customer=self.stripe_id())
        assert [(each["amount"], each["amount_refunded"]) for each in charges] == [(100, 0)]
        self.verify_mails()
