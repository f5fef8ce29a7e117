"""Stripe's customer: payment methods and which is the default, credit balance, whether it pays tax, test clock."""

from typing import Any

from sqlalchemy import select

from portal import clock, tenancy
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.gateway.inbox import want
from portal.gateway.lists import entries
from portal.mirror import method_rows
from portal.mirror.errors import Unmirrorable
from portal.models import Customer, Subscription
from portal.models.subscriptions import LIVE_STATUSES


def fetch(object_id: str) -> dict[str, Any]:
    """The customer with all its payment methods, and with the test clock that it lives on in place of its id."""
    resource = as_dict(gateway().read(lambda s: s.v1.customers.retrieve(object_id)))
    if resource.get("deleted"):
        return resource
    resource["payment_methods"] = _methods(object_id)
    if clock_id := resource.get("test_clock"):
        resource["test_clock"] = as_dict(gateway().read(lambda s: s.v1.test_helpers.test_clocks.retrieve(clock_id)))
    return resource


def _methods(customer_id: str) -> list[dict[str, Any]]:
    return list(entries(lambda page: gateway().read(lambda s: s.v1.customers.payment_methods.list(customer_id, page))))


def customer(resource: dict[str, Any]) -> str | None:
    return str(resource["id"])


def apply(resource: dict[str, Any]) -> None:
    """Write the bound tenant's customer row and its payment methods."""
    if resource.get("deleted"):
        raise Unmirrorable("the customer was deleted at Stripe")
    row = locked()
    before = _watched(row)
    attached = {method["id"] for method in resource["payment_methods"]}
    for method in resource["payment_methods"]:
        method_rows.write(method)
    method_rows.keep_only(attached)
    row.default_payment_method = (resource.get("invoice_settings") or {}).get("default_payment_method")
    if row.backup_payment_method not in attached:
        row.backup_payment_method = None
    row.balance_minor = resource.get("balance") or 0
    row.tax_exempt = resource.get("tax_exempt") or "none"
    _copy_test_clock(row, resource.get("test_clock"))
    row.synced_at = clock.now()
    if before != _watched(row):
        _look_at_subscription()


def _watched(row: Customer) -> tuple[object, ...]:
    return row.balance_minor, row.default_payment_method, row.test_clock_at, row.tax_exempt


def _look_at_subscription() -> None:
    """What is charged next, and how far a trial has got, may be different now."""
    for live in db.session.scalars(
        select(Subscription).where(Subscription.superseded_reason.is_(None), Subscription.status.in_(LIVE_STATUSES))
    ):
        live.next_invoice_for = ""
        want(live.stripe_subscription_id, "subscription")


def _copy_test_clock(row: Customer, resource: dict[str, Any] | None) -> None:
    row.stripe_test_clock_id = resource["id"] if resource else None
    row.test_clock_at = clock.from_timestamp(resource["frozen_time"]) if resource else None


def locked() -> Customer:
    """The bound tenant's customer row, locked: whoever changes what belongs to the tenant takes turns here."""
    return db.session.get_one(Customer, tenancy.require_tenant(), with_for_update=True)
