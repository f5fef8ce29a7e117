"""Another plan: an upgrade that is paid at once, then a downgrade that is scheduled and taken back."""

from tests.faults.acts import offering, posting
from tests.faults.forks import Outcome
from tests.faults.journey import Journey


class Changing(Journey):
    """Up now, down at the end of the period, and then not."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
        self._change("professional")
        self.settle()
        self._change("free")
        self.settle()
        self.until(_is_redirected, lambda: posting(self.cookies, f"{self._page('free')}/cancel", "/plans"))
        self.settle()

    def _change(self, plan: str) -> None:
        self.until("offered", lambda: offering(self.cookies, plan))
        self.until(_is_redirected, lambda: posting(self.cookies, f"{self._page(plan)}/confirm", "/plans"))

    def _page(self, plan: str) -> str:
        query = "SELECT id FROM plan_changes WHERE tenant_id = :tenant AND plan_id = :plan ORDER BY id DESC LIMIT 1"
        return f"/plan-changes/{self.of_tenant(query, plan=plan)[0]['id']}"

    def verify(self) -> None:
        """Each step was taken once, and what was shown is what was charged; an offer that nobody took lapses."""
        self.verify_nothing_is_left()
        query = "SELECT plan_id, state, due_minor FROM plan_changes WHERE tenant_id = :tenant ORDER BY id"
        changes = [tuple(row.values()) for row in self.of_tenant(query) if row["state"] != "quoted"]
        due = changes[0][2]
        assert changes == [("professional", "applied", due), ("free", "canceled", 0)]
        held = "SELECT plan_id, status, stripe_schedule_id FROM subscriptions WHERE tenant_id = :tenant"
        assert [tuple(row.values()) for row in self.of_tenant(held)] == [("professional", "active", None)]
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        assert sorted(each["amount"] for each in listed("charges", customer=customer)) == sorted([2900, due])
        assert [each["status"] for each in listed("subscription_schedules", customer=customer)] == ["released"]
        assert (self.audited("plan_change.confirm"), self.audited("plan_change.cancel")) == (2, 1)
        self.verify_mails()


def _is_redirected(outcome: Outcome) -> bool:
    return outcome.facts.get("status", [0])[0] == 303
