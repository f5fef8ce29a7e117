"""Usage beyond the plan, reported by an integration, and charged: when its month is over, or at once at an end."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.acts import asking, closing, filling, making_a_key, posting, reporting
from tests.faults.journey import Journey
from tests.faults.journeys.leaving import ENDS_AT_ONCE, ENDS_LATER, PAGE

EVENTS = [{"resource_type": "api_calls", "quantity": 4_000, "event_id": f"event-{number}"} for number in range(4)]
AMOUNT_MINOR = 120  # 6,000 beyond the included 10,000, at 20 cents a thousand
_SELL = """
    INSERT INTO plan_resources (plan_id, resource_type, included, limit_kind, tiers, package_size)
    VALUES ('starter', 'api_calls', 10000, 'soft', '{"usd": [{"up_to": null, "unit_amount_decimal": "20"}]}', 1000)
    RETURNING 1"""
_STOP_SELLING = "DELETE FROM plan_resources RETURNING 1"
# As if the month had been over for fifty minutes: longer than late reports are waited for.
_MONTH_PASSES = """
    UPDATE usage_periods SET starts_at = now() - interval '31 days', ends_at = now() - interval '50 minutes'
    WHERE tenant_id = :tenant RETURNING id"""


class Metered(Journey):
    """Each event counts once, and is billed once."""

    def metered(self) -> None:
        """Report, as often as it takes."""
        for number in range(0, len(EVENTS), 2):
            batch = json.dumps(EVENTS[number : number + 2])
            self.until("counted", lambda batch=batch: reporting(self.token, batch))  # type: ignore[misc]

    @contextmanager
    def sold(self) -> Iterator[None]:
        """A subscription, and a key of an integration's."""
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
        self.world.rows(_SELL)
        try:
            yield
        finally:
            self.world.rows(_STOP_SELLING)

    def verify(self) -> None:
        """Every event once; one charge, one item at Stripe, on one invoice of its own that waits for nothing."""
        self.verify_nothing_is_left()
        events = self.of_tenant("SELECT event_id FROM usage_events WHERE tenant_id = :tenant ORDER BY event_id")
        assert [event["event_id"] for event in events] == [event["event_id"] for event in EVENTS]
        charge = self._charge()
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

    def _charge(self) -> dict[str, Any]:
        (charge,) = self.of_tenant("SELECT * FROM usage_charges WHERE tenant_id = :tenant")
        return charge


class Metering(Metered):
    """The subscription ends at once."""

    def live(self) -> None:
        with self.sold():
            with self.calm():
                self.token = self.make_key("usage:write")
            self.world.rows(ENDS_AT_ONCE)
            try:
                self.metered()
                time.sleep(1.1)  # Stripe's times are whole seconds: what was used has to lie before the end
                self.until(lambda _outcome: self._has_ended(), lambda: filling(self.cookies, PAGE, PAGE, ending="now"))
                self.settle()
            finally:
                self.world.rows(ENDS_LATER)

    def _has_ended(self) -> bool:
        query = "SELECT state FROM cancellations WHERE tenant_id = :tenant"
        return [row["state"] for row in self.of_tenant(query)] == ["ended"]


class MonthsEnd(Metered):
    """The month is over; a key was made on the page for it, and is revoked afterwards."""

    def live(self) -> None:
        with self.sold():
            self.token = self.until("token", lambda: making_a_key(self.cookies))
            self.metered()
            standings = self.until("asked", lambda: asking(self.token))
            assert {each["resource_type"]: each["used"] for each in standings}["api_calls"] == 16_000
            self.world.rows(_MONTH_PASSES, tenant=self.person.tenant_id)
            self.until(lambda _outcome: self._has_closed(), lambda: closing, self.world.worker)
            self.settle()
            self.until(lambda _outcome: not self._keys(), self._revoking)
            self.settle()

    def verify(self) -> None:
        """The same, and the next month has begun; a key whose answer was lost was made all the same, and told of."""
        super().verify()
        periods = self.of_tenant("SELECT closed_at FROM usage_periods WHERE tenant_id = :tenant ORDER BY starts_at")
        assert [period["closed_at"] is None for period in periods] == [False, True]
        made = self.count("api_keys")["api_keys"]
        assert 1 <= made <= 1 + self.faults
        told = self.of_tenant("SELECT kind FROM notices WHERE tenant_id = :tenant AND kind LIKE 'api_key%'")
        assert sorted(each["kind"] for each in told) == ["api_key_created"] * made + ["api_key_revoked"] * made

    def _has_closed(self) -> bool:
        query = "SELECT id FROM usage_periods WHERE tenant_id = :tenant AND closed_at IS NOT NULL"
        return bool(self.of_tenant(query))

    def _keys(self) -> list[str]:
        query = "SELECT id FROM api_keys WHERE tenant_id = :tenant AND revoked_at IS NULL"
        return [str(row["id"]) for row in self.of_tenant(query)]

    def _revoking(self) -> Any:
        return posting(self.cookies, f"/api-keys/{self._keys()[0]}/revoke", "/api-keys")
