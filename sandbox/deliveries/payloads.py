"""The body of a delivery: the event in the version of its endpoint.

Stripe renders each payload in the version that the endpoint was made with. For versions before the two changes
that broke most receivers, the object gets its former shape; what else differed before them is left as it is.

- before 2025-03-31 (basil): periods on the subscription, `invoice.subscription`, `paid`, `charge`,
  `payment_intent`, `tax`, and on a line `price`, `type`, `proration`. Source: the "gone" column of
  shared/reference/stripe.md §4; that all of them went with basil is assumed.
- before 2025-09-30 (clover): `coupon` on discounts and promotion codes.
"""

from typing import Any

from ..contract import API_VERSION
from ..engine.work import Obj, Work, shown

_BASIL, _CLOVER = "2025-03-31", "2025-09-30"


def payload(work: Work, event: Obj, version: str) -> Obj:
    """The event as it goes out, `api_version` and object in that version; not to be changed."""
    told = {**event, "api_version": version}
    if version[:10] < _CLOVER and version != API_VERSION:
        told = shown(told)
        _walk(work, told["data"]["object"], version[:10])
    return told


def _walk(work: Work, node: Any, version: str) -> None:
    """Gives every object inside its former shape, the inner ones first."""
    if isinstance(node, list):
        for item in node:
            _walk(work, item, version)
    if not isinstance(node, dict):
        return
    for child in list(node.values()):
        _walk(work, child, version)
    kind = node.get("object")
    if kind in ("discount", "promotion_code"):
        _with_coupon(work, node, "source" if kind == "discount" else "promotion")
    if version < _BASIL and kind in _FORMER:
        _FORMER[kind](work, node)


def _with_coupon(work: Work, node: Obj, holder: str) -> None:
    coupon = (node.pop(holder, None) or {}).get("coupon")
    node["coupon"] = shown(work.find("coupon", coupon) or coupon) if isinstance(coupon, str) else coupon


def _subscription(_work: Work, node: Obj) -> None:
    items = node["items"]["data"]
    for name, pick in (("current_period_start", min), ("current_period_end", max)):
        ends = [item.pop(name) for item in items if name in item]
        node[name] = pick(ends, default=None)
    node["discount"] = None


def _invoice(work: Work, node: Obj) -> None:
    parent = node.pop("parent", None) or {}
    details = parent.get("subscription_details") or {}
    node["subscription"] = details.get("subscription")
    node["subscription_details"] = {"metadata": details.get("metadata")} if details else None
    node["paid"] = node["status"] == "paid"
    node["tax"] = sum(tax["amount"] for tax in node.get("total_taxes") or []) or None
    node["discount"] = None
    payment = next((found for found in work.all("invoice_payment") if found["invoice"] == node["id"]), None)
    intent_id = (payment or {}).get("payment", {}).get("payment_intent")
    intent = work.find("payment_intent", intent_id) if intent_id else None
    node["payment_intent"] = intent_id
    node["charge"] = (intent or {}).get("latest_charge")


def _line(work: Work, node: Obj) -> None:
    pricing = node.pop("pricing", None) or {}
    price = (pricing.get("price_details") or {}).get("price")
    node["price"] = shown(work.find("price", price)) if isinstance(price, str) else price
    parent = node.pop("parent", None) or {}
    item = parent.get("subscription_item_details")
    details = item or parent.get("invoice_item_details") or {}
    node["type"] = "subscription" if item else "invoiceitem"
    node["proration"] = bool(details.get("proration"))
    node["subscription_item"] = details.get("subscription_item")


_FORMER = {"subscription": _subscription, "invoice": _invoice, "line_item": _line}
