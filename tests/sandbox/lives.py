"""A customer's life in this process: the engine behind the wire's own checks, on a test clock, without threads.

For what needs hundreds of lives; everything else goes over HTTP.
"""

from typing import Any
from urllib.parse import quote_plus

from sandbox.clock import Clock
from sandbox.contract import load
from sandbox.deliveries.plan import Planner
from sandbox.engine import account, account_settings, agenda_handlers, planned_failures, test_clock_changes, test_clocks
from sandbox.ids import Ids
from sandbox.store import Store
from sandbox.wire.api import Api, Request

from .conftest import KEY

START = 1767225600  # 2026-01-01
DAY = 86400


class Still(Clock):
    """A global clock that stands, so that lives of the same seed are equal to the second."""

    def now(self) -> int:
        return START + self.offset


class Life:
    """One store with one test clock. `call` speaks to the API, `advance` moves the clock and waits for nothing."""

    def __init__(self, start: int = START, seed: int = 1) -> None:
        agenda_handlers.register_all()
        contract = load()
        self.store = Store(Still(), Ids(seed))
        self.store.on_event = Planner(contract).plan
        self.store.move_to("http://127.0.0.1")
        with self.store.transaction() as work:
            account.ensure(work)
        self._api = Api(self.store, contract)
        self.clock: str = self.call("POST", "/v1/test_helpers/test_clocks", frozen_time=start)["id"]

    def call(self, method: str, path: str, *, expect: int = 200, **params: Any) -> Any:
        """The answer; `expect` 0 takes a refusal too."""
        form = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in flat(params))
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
        posted = method == "POST"
        answer = self._api.handle(
            Request(method, path, "" if posted else form, form.encode() if posted else b"", headers)
        )
        assert answer.status < 500, answer.body
        assert expect in (0, answer.status), answer.body
        return answer.body

    def get(self, path: str, **params: Any) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, **params: Any) -> Any:
        return self.call("POST", path, **params)

    @property
    def now(self) -> int:
        return int(self.get(f"/v1/test_helpers/test_clocks/{self.clock}")["frozen_time"])

    def advance(self, to: int) -> None:
        """Moves the clock; Stripe's limit of two intervals holds."""
        self.post(f"/v1/test_helpers/test_clocks/{self.clock}/advance", frozen_time=to)
        with self.store.transaction() as work:
            test_clock_changes.complete(work, self.clock)

    def leap(self, to: int) -> None:
        """Moves the clock in one step, however far; Stripe's limit does not hold."""
        with self.store.transaction() as work:
            clock = work.edit(test_clocks.KIND, self.clock)
            clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": to}})
            test_clock_changes.complete(work, self.clock)

    def price(self, amount: int = 2900, interval: str = "month", count: int = 1, currency: str = "usd") -> str:
        product = self.post("/v1/products", name="Starter")["id"]
        recurring = {"interval": interval, "interval_count": count}
        made = self.post("/v1/prices", product=product, currency=currency, unit_amount=amount, recurring=recurring)
        return str(made["id"])

    def customer(self, method: str | None = "pm_card_visa", **more: Any) -> str:
        customer = self.post("/v1/customers", test_clock=self.clock, email="life@example.com", **more)["id"]
        if method is not None:
            attached = self.post(f"/v1/payment_methods/{method}/attach", customer=customer)["id"]
            self.post(f"/v1/customers/{customer}", invoice_settings={"default_payment_method": attached})
        return str(customer)

    def subscribe(self, customer: str, *prices: str, **more: Any) -> Any:
        items = [{"price": price} for price in prices]
        return self.post("/v1/subscriptions", customer=customer, items=items, **more)

    def control(self, path: str, **body: Any) -> None:
        """What the control API would do: `settings`, or `fail` for a customer."""
        verb = {"settings": account_settings.change, "fail": planned_failures.plan}[path]
        with self.store.transaction() as work:
            verb(work, *([body] if path == "settings" else body.values()))

    def events(self) -> list[Any]:
        """All events, oldest first."""
        return list(self.store.objects.get("event", {}).values())


def flat(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested parameters as Stripe's form fields."""
    if isinstance(value, dict):
        found = []
        for key, item in value.items():
            found += flat(item, f"{prefix}[{key}]" if prefix else key)
        return found
    if isinstance(value, list):
        return [pair for index, item in enumerate(value) for pair in flat(item, f"{prefix}[{index}]")]
    if isinstance(value, bool):
        return [(prefix, "true" if value else "false")]
    return [(prefix, str(value))]
