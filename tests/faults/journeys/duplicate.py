"""A second subscription beside the one that was bought: ended, and what it took of card and balance goes back once."""

from tests.faults.journey import Journey

FIRST_MINOR, SECOND_MINOR, CREDIT_MINOR = 2900, 9900, 1000


class Duplicate(Journey):
    """The second one is made at Stripe, with the customer's card; the purchase before it is not disturbed."""

    is_thorough = True
    second: str = ""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
            moves = f"customers/{self.stripe_id()}/balance_transactions"
            self.at_stripe(moves, amount=str(-CREDIT_MINOR), currency="usd")
            price = "SELECT stripe_price_id FROM plan_prices WHERE plan_id = 'professional' AND interval = 'month'"
            self.second = self.subscribe_at_stripe(self.world.rows(price)[0]["stripe_price_id"])
        self.settle()

    def verify(self) -> None:
        """The money of one is kept, that of the other is back whole, by one refund."""
        self.verify_nothing_is_left("contested_subscription", "duplicate_subscription", "duplicate_balance")
        query = "SELECT stripe_subscription_id = :second AS second, status, superseded_reason FROM subscriptions"
        found = self.of_tenant(f"{query} WHERE tenant_id = :tenant ORDER BY 1", second=self.second)
        assert [tuple(row.values()) for row in found] == [(False, "active", None), (True, "canceled", "duplicate")]
        assert [self.audited(f"subscription.{verb}") for verb in ("judge", "end")] == [1, 1]
        self._verify_at_stripe()
        self.verify_mails()

    def _verify_at_stripe(self) -> None:
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        ends = {each["id"]: each["status"] for each in listed("subscriptions", customer=customer, status="all")}
        assert (ends.pop(self.second), *ends.values()) == ("canceled", "active")
        moves = listed(f"customers/{customer}/balance_transactions")
        assert sorted(each["amount"] for each in moves) == [-CREDIT_MINOR, -CREDIT_MINOR, CREDIT_MINOR]
        charged = SECOND_MINOR - CREDIT_MINOR
        charges = listed("charges", customer=customer)
        assert sorted((each["amount"], each["amount_refunded"], each["status"]) for each in charges) == [
            (FIRST_MINOR, 0, "succeeded"),
            (charged, charged, "succeeded"),
        ]
        refunds = [each for each in listed("refunds") if each["charge"] in {charge["id"] for charge in charges}]
        assert [(each["amount"], each["status"], each["metadata"]["subscription"]) for each in refunds] == [
            (charged, "succeeded", self.second)
        ]
