"""Stripe's test clock: it has no row of its own, it only tells which customers live at another time now."""

from typing import Any

from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want


def fetch(object_id: str) -> dict[str, Any]:
    """The customers that live on the clock: three at most, as Stripe has it."""
    listed = gateway().read(lambda s: s.v1.customers.list({"test_clock": object_id}))
    return {"id": object_id, "customers": [entry["id"] for entry in as_dict(listed)["data"]]}


def customer(resource: dict[str, Any]) -> str | None:
    """One of them."""
    return next(iter(resource["customers"]), None)


def apply(resource: dict[str, Any]) -> None:
    for customer_id in resource["customers"]:
        want(customer_id, "customer")
