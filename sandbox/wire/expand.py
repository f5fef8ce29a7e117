"""`expand`: ids become objects, and keys appear that are left out otherwise.

The contract decides what may be expanded: a property that may be a string or an object. What only
appears when expanded (invoice.payments, session.line_items, ...) is listed in INCLUDES.
"""

from collections.abc import Callable
from typing import Any

from ..contract import Contract
from ..engine import checkout_sessions, coupons, invoice_payments, price_terms, promotion_codes, tax_ids
from ..engine.fields import list_object
from ..engine.work import Obj, Work, shown
from ..errors import InvalidRequest

_DEEPEST = 4
# What an include returns when the object has no such key at all.
ABSENT = object()


def _payments(work: Work, invoice: Obj) -> Obj:
    found = [item for item in work.all(invoice_payments.KIND) if item["invoice"] == invoice["id"]]
    return list_object(found, f"/v1/invoice_payments?invoice={invoice['id']}")


def _confirmation_secret(work: Work, invoice: Obj) -> Obj | None:
    payment = invoice_payments.of(work, invoice["id"])
    if payment is None:
        return None
    intent = work.read("payment_intent", payment["payment"]["payment_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _refunds(work: Work, charge: Obj) -> Obj:
    found = [item for item in work.all("refund") if item["charge"] == charge["id"]]
    return list_object(found, f"/v1/charges/{charge['id']}/refunds")


def _subscriptions(work: Work, customer: Obj) -> Obj:
    found = [
        item for item in work.all("subscription") if item["customer"] == customer["id"] and item["ended_at"] is None
    ]
    return list_object(found, f"/v1/customers/{customer['id']}/subscriptions")


def _tax_ids(work: Work, customer: Obj) -> Obj:
    found = [item for item in work.all(tax_ids.KIND) if item["customer"] == customer["id"]]
    return list_object(found, f"/v1/customers/{customer['id']}/tax_ids")


def _tiers(work: Work, price: Obj) -> Any:
    tiers = work.read("price", price["id"]).get("_", {}).get("tiers")
    return ABSENT if tiers is None else tiers


def _currency_options(work: Work, price: Obj) -> Obj:
    return price_terms.shown_options(work.read("price", price["id"]))


def _option_tiers(work: Work, price: Obj) -> Obj:
    return price_terms.shown_options(work.read("price", price["id"]), with_tiers=True)


def _applies_to(work: Work, coupon: Obj) -> Any:
    return coupons.shown_products(work, coupon) or ABSENT


def _coupon_options(work: Work, coupon: Obj) -> Any:
    return coupons.shown_options(work, coupon) or ABSENT


def _none_of(name: str) -> Callable[[Work, Obj], Obj]:
    return lambda _work, owner: list_object([], f"/v1/customers/{owner['id']}/{name}")


# (object, key) -> its value; the object is None for a nested hash without an `object` of its own.
INCLUDES: dict[tuple[str | None, str], Callable[[Work, Obj], Any]] = {
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("charge", "refunds"): _refunds,
    ("customer", "subscriptions"): _subscriptions,
    ("customer", "sources"): _none_of("sources"),
    ("customer", "tax_ids"): _tax_ids,
    ("checkout.session", "line_items"): checkout_sessions.line_items_list,
    ("item", "discounts"): lambda work, item: checkout_sessions.line_item_details(work, item, "discounts"),
    ("item", "taxes"): lambda work, item: checkout_sessions.line_item_details(work, item, "taxes"),
    ("coupon", "applies_to"): _applies_to,
    ("coupon", "currency_options"): _coupon_options,
    ("price", "currency_options"): _currency_options,
    ("price", "tiers"): _tiers,
    (None, "products"): lambda _work, portal_feature: portal_feature["products"],
}
# (object, keys) -> the value of the first key, for paths into a hash with keys of its own.
DEEPER: dict[tuple[str | None, str], Callable[[Work, Obj], Any]] = {
    ("checkout.session", "total_details.breakdown"): checkout_sessions.total_details,
    ("price", "currency_options.tiers"): _option_tiers,
    ("promotion_code", "restrictions.currency_options"): promotion_codes.shown_options,
}


class Expander:
    """Expands answers of one work."""

    def __init__(self, contract: Contract, work: Work) -> None:
        self._contract = contract
        self._work = work

    def expand(self, node: dict[str, Any], value: Any, paths: list[str]) -> Any:
        """The value as it is shown, with every path of `expand` opened; InvalidRequest for what cannot be."""
        value = shown(value)
        for path in paths:
            segments = path.split(".")
            # `data` is the way into a list, not a level.
            if len(segments) - segments.count("data") > _DEEPEST:
                raise InvalidRequest(
                    f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}",
                    param="expand",
                )
            value = self._open(node, value, segments, path)
        return value

    def _open(self, node: dict[str, Any], value: Any, segments: list[str], path: str) -> Any:
        branches = self._branches(node)
        if value is None:
            return None
        if isinstance(value, list):
            items = next(branch["items"] for branch in branches if "items" in branch)
            return [self._open(items, item, segments, path) for item in value]
        if isinstance(value, str):
            value, branches = self._fetched(branches, value, path)
            if isinstance(value, str):
                return value
        return self._inside(branches, value, segments, path) if segments else value

    def _inside(self, branches: list[dict[str, Any]], value: Any, segments: list[str], path: str) -> Any:
        head, *rest = segments
        child = next((branch["properties"][head] for branch in branches if head in branch.get("properties", {})), None)
        if child is None or not isinstance(value, dict):
            raise _impossible(path)
        body = dict(value)
        include = INCLUDES.get((body.get("object"), head))
        deeper = DEEPER.get((body.get("object"), ".".join(segments)))
        if deeper is not None:
            return {**body, head: shown(deeper(self._work, body))}
        if include is not None:
            if head not in body and (found := include(self._work, body)) is not ABSENT:
                body[head] = shown(found)
        elif not rest and not self._may_open(child):
            raise _impossible(path)
        if head in body:
            body[head] = self._open(child, body[head], rest, path)
        return body

    def _fetched(self, branches: list[dict[str, Any]], object_id: str, path: str) -> tuple[Any, list[dict[str, Any]]]:
        objects = [branch for branch in branches if "object" in branch.get("properties", {})]
        if not objects:
            raise _impossible(path)
        for branch in objects:
            kind = branch["properties"]["object"]["enum"][0]
            found = self._work.find(kind, object_id) or self._work.find(f"_deleted_{kind}", object_id)
            if found is not None:
                return shown(found), objects
        return object_id, objects

    def _may_open(self, node: dict[str, Any]) -> bool:
        branches = self._branches(node)
        nested = [inner for branch in branches if "items" in branch for inner in self._branches(branch["items"])]
        return any("object" in branch.get("properties", {}) for branch in [*branches, *nested])

    def _branches(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        node = self._contract.resolve(node)
        if "anyOf" not in node:
            return [node]
        return [inner for branch in node["anyOf"] for inner in self._branches(branch)]


def _impossible(path: str) -> InvalidRequest:
    return InvalidRequest(
        f"This property cannot be expanded ({path}). You may want to try expanding a different property.",
        param="expand",
    )
