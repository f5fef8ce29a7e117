"""Discounts and taxes of subscriptions and their items: set by requests, taken over by their invoices."""

from typing import Any

from . import automatic_tax, discounts, tax_rates
from .discounts import Owner
from .fields import inside
from .pricing import amount_of
from .subscription_body import Start
from .work import Obj, Work, copied


def begin(work: Work, subscription: Obj, given: Start) -> None:
    """Redeems what a new subscription and its items were given, and sets their tax rates.

    InvalidRequest: see discounts.check; a promotion code's minimum is held against what all items cost.
    """
    subscription["default_tax_rates"] = copied(given.default_tax_rates)
    _redeem(work, subscription, given.discounts)
    for index, item in enumerate(subscription["items"]["data"]):
        if index < len(given.item_tax_rates):
            item["tax_rates"] = copied(given.item_tax_rates[index])
        if index < len(given.item_discounts):
            _redeem_for_item(work, subscription, item, given.item_discounts[index], f"items[{index}][discounts]")
    tax_rates.check_one_way(subscription)


def given_with(work: Work, params: Obj) -> Obj:
    """The fields of Start that say the discounts and tax rates of a request to create a subscription."""
    items = params.get("items", [])
    if params.get("automatic_tax", {}).get("enabled"):
        automatic_tax.check_location(work, params["customer"])
    return {
        "discounts": params.get("discounts"),
        "default_tax_rates": tax_rates.chosen(work, params.get("default_tax_rates") or None, param="default_tax_rates"),
        "item_discounts": [item.get("discounts") for item in items],
        "item_tax_rates": [
            tax_rates.chosen(work, item.get("tax_rates") or None, param=f"items[{index}][tax_rates]")
            for index, item in enumerate(items)
        ],
    }


def change(work: Work, subscription: Obj, params: Obj) -> None:
    """`discounts`, `default_tax_rates` and `automatic_tax` of an update.

    Discounts that are not listed again end; "" takes all away.
    """
    if "discounts" in params:
        _redeem(work, subscription, params["discounts"])
    if "default_tax_rates" in params:
        rates = params["default_tax_rates"] or None
        subscription["default_tax_rates"] = tax_rates.chosen(work, rates, param="default_tax_rates")
    if "automatic_tax" in params:
        enabled = params["automatic_tax"]["enabled"]
        if enabled:
            automatic_tax.check_location(work, subscription["customer"])
        liability = {"type": "self"} if enabled else None
        subscription["automatic_tax"] = {"disabled_reason": None, "enabled": enabled, "liability": liability}
    tax_rates.check_one_way(subscription)


def change_item(work: Work, subscription: Obj, item: Obj, given: Obj, param: str) -> None:
    """`discounts` and `tax_rates` of an item in an update; `param` is the path of `given`, for example `items[0]`."""
    if "discounts" in given:
        _redeem_for_item(work, subscription, item, given["discounts"], inside(param, "discounts"))
    if "tax_rates" in given:
        path = inside(param, "tax_rates")
        item["tax_rates"] = tax_rates.chosen(work, given["tax_rates"] or None, param=path)
        tax_rates.check_one_way(subscription)


def end_all(work: Work, item: Obj) -> None:
    """An item is removed from its subscription: its discounts end."""
    item["discounts"] = discounts.replaced(work, item["discounts"], [])


def invoice_terms(work: Work, subscription: Obj) -> Obj:
    """What an invoice of the subscription that is made now takes over: `discounts` in force, `default_tax_rates`."""
    return {
        "default_tax_rates": copied(subscription["default_tax_rates"]),
        "discounts": discounts.in_force_at(work, subscription["discounts"], work.now),
    }


def item_terms(work: Work, subscription: Obj) -> Obj:
    """The same for each item, by its id; its lines get them when the invoice is added up (invoice_figures.py)."""
    return {
        item["id"]: {
            "discounts": discounts.in_force_at(work, item["discounts"], work.now),
            "tax_rates": copied(item["tax_rates"]),
        }
        for item in subscription["items"]["data"]
    }


def _redeem(work: Work, subscription: Obj, given: Any) -> None:
    former = subscription["discounts"]
    total = sum(_cost(subscription, item) for item in subscription["items"]["data"])
    owner = Owner(subscription["customer"], subscription=subscription["id"])
    new = discounts.resolve(work, given, owner, currency=subscription["currency"], amount=total, reusable=former)
    subscription["discounts"] = discounts.replaced(work, former, new)


def _redeem_for_item(work: Work, subscription: Obj, item: Obj, given: Any, param: str) -> None:
    former = item["discounts"]
    owner = Owner(subscription["customer"], subscription_item=item["id"], within=subscription["id"])
    new = discounts.resolve(
        work,
        given,
        owner,
        currency=subscription["currency"],
        amount=_cost(subscription, item),
        reusable=[*former, *subscription["discounts"]],
        param=param,
    )
    item["discounts"] = discounts.replaced(work, former, new)


def _cost(subscription: Obj, item: Obj) -> int:
    """What an item costs a period; metered ones count as nothing (assumed)."""
    price = item["price"]
    if price["recurring"]["usage_type"] == "metered":
        return 0
    return amount_of(price, item["quantity"], subscription["currency"])
