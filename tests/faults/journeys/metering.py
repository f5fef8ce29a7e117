"""Usage beyond the plan, reported by an integration, and charged at once when the subscription ends."""

import json
import time
from typing import Any

from tests.faults.acts import filling, reporting
from tests.faults.journey import Journey
from tests.faults.journeys.leaving import ENDS_AT_ONCE, ENDS_LATER, PAGE

EVENTS = [{"resource_type": "api_calls", "quantity": 4_000, "event_id": f"event-{number}"} for number in range(4)]
AMOUNT_MINOR = 120  # 6,000 beyond the included 10,000, at 20 cents a thousand
_SELL = """
    INSERT INTO plan_resources (plan_id, resource_type, included, limit_kind, tiers, package_size)
    VALUES ('starter', 'api_calls', 10000, 'soft', '{"usd": [{"up_to": null, "unit_amount_decimal": "20"}]}', 1000)
    RETURNING 1"""
_STOP_SELLING = "DELETE FROM plan_resources RETURNING 1"


class Metering(Journey):
    """Each event counts once, and is billed once."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
            token = self.make_key("usage:write")
        self.world.rows(_SELL)
        self.world.rows(ENDS_AT_ONCE)
        try:
            for number in range(0, len(EVENTS), 2):
                batch = json.dumps(EVENTS[number : number + 2])
                self.until("counted", lambda batch=batch: reporting(token, batch))  # type: ignore[misc]
            time.sleep(1.1)  # Stripe's times are whole seconds: what was used has to lie before the end
            self.until(lambda _outcome: self._has_ended(), lambda: filling(self.cookies, PAGE, PAGE, ending="now"))
            self.settle()
        finally:
            self.world.rows(ENDS_LATER)
            self.world.rows(_STOP_SELLING)

    def _has_ended(self) -> bool:
        query = "SELECT state FROM cancellations WHERE tenant_id = :tenant"
        return [row["state"] for row in self.of_tenant(query)] == ["ended"]

    def verify(self) -> None:
        """Every event once; one charge, one item at Stripe, on one invoice of its own that waits for nothing."""
        self.verify_nothing_is_left()
        events = self.of_tenant("SELECT event_id FROM usage_events WHERE tenant_id = :tenant ORDER BY event_id")
        assert [event["event_id"] for event in events] == [event["event_id"] for event in EVENTS]
        charge = self._charges()
        assert (charge["quantity"], charge["amount_minor"]) == (16_000, AMOUNT_MINOR)
        items = self.world.sandbox.listed("invoiceitems", customer=self.stripe_id())
        assert [(item["id"], item["amount"]) for item in items] == [(charge["stripe_invoice_item_id"], AMOUNT_MINOR)]
        invoices = self.world.sandbox.listed("invoices", customer=self.stripe_id())
        billed = {
            each["id"]: (each["status"], each["total"]) for each in invoices if each["billing_reason"] == "manual"
        }
        assert set(billed) == {charge["stripe_invoice_id"]}
        assert billed[charge["stripe_invoice_id"]][0] in ("open", "paid")
        assert self.audited("usage.bill") == 1
        self.verify_mails()

    def _charges(self) -> dict[str, Any]:
        (charge,) = self.of_tenant("SELECT * FROM usage_charges WHERE tenant_id = :tenant")
        return charge
