"""Changes of a subscription's items that a request names: what is changed, added and removed.

Entries with an `id` change that item, entries without one add an item. A new price sets the quantity to 1 unless
a quantity is given with it (SDK: Subscriptions.update, items).
"""

from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequest, ResourceMissing, modelled
from . import billing_cycles, prices, pricing, subscription_discounts
from .fields import inside, merged_metadata, non_negative
from .item_prices import is_named, price_of
from .subscription_body import item_body
from .work import Obj, Work, copied

_KNOWN = {
    "id", "price", "plan", "price_data", "quantity", "deleted", "metadata", "discounts", "tax_rates",
}  # fmt: skip


@dataclass(slots=True)
class Change:
    """One entry. `former` is the item before the change, None for a new one; `item` the one that it becomes.

    `param` is the entry's path in the request, for example `items[0]`.
    """

    given: Obj
    param: str
    former: Obj | None
    price: Obj
    quantity: int | None
    item: Obj | None = None

    @property
    def removes(self) -> bool:
        """Whether the item is taken away."""
        return bool(self.given.get("deleted"))

    @property
    def alters(self) -> bool:
        """Whether what the item costs changes: its price, its quantity, or whether it is there."""
        if self.former is None or self.removes:
            return True
        return self.former["price"]["id"] != self.price["id"] or self.former.get("quantity") != self.quantity

    @property
    def ends_usage(self) -> bool:
        """Whether the usage of the item's former price ends, and is to be billed."""
        former = self.former
        if former is None or former["price"]["recurring"]["usage_type"] != "metered":
            return False
        return self.removes or former["price"]["id"] != self.price["id"]


def planned(work: Work, subscription: Obj, given: list[Obj], param: str = "items") -> list[Change]:
    """The changes that a request's entries ask for; nothing is changed yet.

    InvalidRequest: an entry that makes no sense, usage that is to be dropped (`clear_usage`, which flexible billing
    mode does not have), or none would be left; ResourceMissing: no such item or price.
    """
    items = {item["id"]: item for item in subscription["items"]["data"]}
    changes = [
        _planned(work, subscription, items, each, f"{param}[{index}]" if param else "")
        for index, each in enumerate(given)
    ]
    named = [change.former["id"] for change in changes if change.former is not None]
    if len(named) != len(set(named)):
        raise InvalidRequest("A subscription item can be given only once.", param=param or "id")
    if sum(change.removes for change in changes) == len(items) + sum(change.former is None for change in changes):
        raise InvalidRequest("A subscription must have at least one item.", param=param or "id")
    return changes


def carry_out(work: Work, subscription: Obj, changes: list[Change], at: int) -> None:
    """Changes the items of the working copy; their periods follow a new interval from `at` on (UTC seconds).

    An item whose interval stays keeps its period. A new item, and one of a new interval, begins a period that
    ends on the subscription's grid (flexible billing mode: the anchor does not move; the beginning is assumed).
    """
    items = subscription["items"]["data"]
    for change in changes:
        if change.removes and change.former is not None:
            item = next(each for each in items if each["id"] == change.former["id"])
            subscription_discounts.end_all(work, item)
            items.remove(item)
        elif change.former is None:
            metadata = merged_metadata({}, change.given.get("metadata"))
            change.item = item_body(work, subscription["id"], change.price, change.quantity or 0, metadata)
            items.append(change.item)
            _begin(subscription, change.item, at)
        else:
            change.item = next(each for each in items if each["id"] == change.former["id"])
            _change(subscription, change, at)


def reduce(work: Work, subscription: Obj, changes: list[Change]) -> None:
    """The discounts and tax rates that the entries give to their items."""
    for change in changes:
        if change.item is not None:
            subscription_discounts.change_item(work, subscription, change.item, change.given, change.param)


def _planned(work: Work, subscription: Obj, items: dict[str, Obj], given: Obj, param: str) -> Change:
    if "clear_usage" in given:
        raise InvalidRequest(
            "With `billing_mode.type=flexible` set on a subscription, the following parameters are not supported: "
            "clear_usage.",
            param=inside(param, "clear_usage"),
        )
    modelled(given, _KNOWN, "changing the items of a subscription")
    former = None
    if "id" in given:
        former = items.get(given["id"])
        if former is None:
            raise ResourceMissing("subscription item", given["id"], param=inside(param, "id"))
    elif given.get("deleted"):
        raise InvalidRequest("Only an item that is named by its `id` can be deleted.", param=inside(param, "id"))
    if given.get("deleted") and former is not None:
        return Change(given, param, copied(former), former["price"], former.get("quantity"))
    price = price_of(work, given, param, None if former is None else former["price"])
    if is_named(given):
        pricing.terms_in(price, subscription["currency"])
    return Change(given, param, copied(former), price, _quantity(given, former, price, param))


def _quantity(given: Obj, former: Obj | None, price: Obj, param: str) -> int | None:
    if price["recurring"]["usage_type"] == "metered":
        if "quantity" in given:
            raise InvalidRequest("`quantity` cannot be given for metered prices.", param=inside(param, "quantity"))
        return None
    if "quantity" in given:
        return non_negative(int(given["quantity"]), inside(param, "quantity"))
    if former is not None and not is_named(given):
        return int(former["quantity"])
    return 1


def _change(subscription: Obj, change: Change, at: int) -> None:
    item: Any = change.item
    item["metadata"] = merged_metadata(item["metadata"], change.given.get("metadata"))
    new, old = change.price["recurring"], item["price"]["recurring"]
    differs = any(new[name] != old[name] for name in ("interval", "interval_count"))
    # A period that ends at this very second is followed by its renewal, which begins the new interval.
    restarts = change.ends_usage or (differs and item["current_period_end"] > at)
    if item["price"]["id"] != change.price["id"]:
        item.update(price=copied(change.price), plan=prices.plan_of(change.price))
    item.pop("quantity", None)
    if change.quantity is not None:
        item["quantity"] = change.quantity
    if restarts:
        _begin(subscription, item, at)


def _begin(subscription: Obj, item: Obj, at: int) -> None:
    item["current_period_start"] = at
    trialing = subscription["status"] == "trialing"
    end = subscription["trial_end"] if trialing else billing_cycles.next_end(subscription, item, at)
    item["current_period_end"] = end
