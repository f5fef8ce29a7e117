"""Plans that are written into the database: put on sale, made dearer, taken back."""

from itertools import count
from typing import Any

import requests

from tests.faults.disturbed import Disturbed
from tests.support.sandbox import AUTH

ROUNDS = 10
_numbers = count(1)
_INSERT = "INSERT INTO plans (plan_id, name, price_monthly) VALUES (:plan, 'A plan', :price) RETURNING plan_id"


class Publishing(Disturbed):
    """One plan that can be sold, and beside it one whose price no currency has."""

    def live(self) -> None:
        self.plan_id = f"plan-{next(_numbers)}"
        self.odd_id = f"{self.plan_id}-odd"
        self.world.rows(_INSERT, plan=self.plan_id, price="12.00")
        self.world.rows(_INSERT, plan=self.odd_id, price="1.001")
        self._publish_until(lambda: self._on_sale() == [1200, 12000] and bool(self._findings()))
        change = "UPDATE plans SET price_monthly = 15, description = 'Dearer.' WHERE plan_id = :plan RETURNING 1"
        self.world.rows(change, plan=self.plan_id)
        self._publish_until(lambda: self._on_sale() == [1500, 15000])
        for plan_id in (self.plan_id, self.odd_id):
            self.world.rows("UPDATE plans SET archived_at = now() WHERE plan_id = :plan RETURNING 1", plan=plan_id)
        self._publish_until(lambda: self._on_sale() == [])

    def _publish_until(self, is_done: Any) -> None:
        turn = (
            "INSERT INTO outbox (id, kind, key, payload)"
            " VALUES (gen_random_uuid(), 'periodic.publish_plans', gen_random_uuid(), '{}') RETURNING 1"
        )
        for _round in range(ROUNDS + len(self.points)):
            self.world.rows(turn)
            self.worker_works()
            self.world.let_time_pass()
            if is_done() and not self.world.open_work():
                return
        raise AssertionError(f"not published: {self.world.open_rows()}")

    def _prices(self) -> list[dict[str, Any]]:
        query = "SELECT stripe_price_id, unit_amount_minor, interval, retired_at FROM plan_prices WHERE plan_id = :plan"
        return self.world.rows(query, plan=self.plan_id)

    def _on_sale(self) -> list[int]:
        prices = [row for row in self._prices() if row["retired_at"] is None and row["stripe_price_id"]]
        return sorted(row["unit_amount_minor"] for row in prices)

    def _findings(self) -> list[Any]:
        return [row["object_id"] for row in self.world.rows("SELECT object_id FROM drift_findings")]

    def verify(self) -> None:
        """Each price is at Stripe once, nothing of them is on sale any more, and one finding tells of the other."""
        assert self.world.rows("SELECT key, last_error FROM outbox WHERE dead_at IS NOT NULL") == []
        assert self._findings() == [self.odd_id]
        products = {each["id"]: each for each in self.world.sandbox.listed("products")}
        product = products[f"plan_{self.plan_id}"]
        assert (product["name"], product["description"]) == ("A plan", "Dearer.")
        ours = {(row["stripe_price_id"], row["unit_amount_minor"], row["interval"]) for row in self._prices()}
        listed = self.world.sandbox.listed("prices", product=product["id"])
        stripes = [(each["id"], each["unit_amount"], each["recurring"]["interval"]) for each in listed]
        assert sorted(stripes) == sorted(ours)
        assert sorted(amount for _, amount, _ in stripes) == [1200, 1500, 12000, 15000]
        named = [each["unit_amount"] for each in listed if each["lookup_key"]]
        assert sorted(named) == [1500, 15000], "the newest prices have taken over the lookup keys"
        self._verify_the_odd_one()

    def _verify_the_odd_one(self) -> None:
        url = f"{self.world.sandbox.url}/v1/prices"
        found = requests.get(url, {"product": f"plan_{self.odd_id}"}, auth=AUTH, timeout=60).json()
        assert found.get("data", []) == []
