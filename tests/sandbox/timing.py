"""Test clocks for tests over HTTP: made, advanced and waited for; customers and what happened to them."""

from datetime import UTC, datetime
from typing import Any

from .conftest import Sandbox, wait_for

START = 1767225600  # 2026-01-01
DAY = 86400


def clock_at(sandbox: Sandbox, frozen_time: int = START, **more: Any) -> Any:
    return sandbox.client.v1.test_helpers.test_clocks.create({"frozen_time": frozen_time, **more})


def advance(sandbox: Sandbox, clock_id: str, to: int) -> Any:
    """Advances and waits, as Stripe's users do."""
    clocks = sandbox.client.v1.test_helpers.test_clocks
    answer = clocks.advance(clock_id, {"frozen_time": to})
    assert answer.status == "advancing"
    assert answer.status_details.advancing.target_frozen_time == to
    return wait_for(lambda: (c := clocks.retrieve(clock_id)).status == "ready" and c)


def at(*parts: int) -> int:
    """A date of the calendar in UTC seconds: at(2026, 1, 31, 12)."""
    return int(datetime(*parts, tzinfo=UTC).timestamp())


def clocked_customer(sandbox: Sandbox, clock_id: str, method: str | None = "pm_card_visa") -> str:
    """A customer of the clock; with a method, it is the default."""
    v1 = sandbox.client.v1
    customer = v1.customers.create({"test_clock": clock_id, "email": "a@example.com"})
    if method is not None:
        attached = v1.payment_methods.attach(method, {"customer": customer.id})
        v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": attached.id}})
    return customer.id


def told(sandbox: Sandbox, since: int, *prefixes: str) -> list[tuple[int, str]]:
    """The (seconds since, type) of the events from then on whose types begin so, oldest first."""
    events = reversed(sandbox.look("events")["data"])
    return [
        (event["created"] - since, event["type"])
        for event in events
        if event["created"] >= since and event["type"].startswith(prefixes)
    ]
