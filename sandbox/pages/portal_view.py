"""What the pages of the billing portal show, in the customer's language."""

from typing import Any

from ..engine import portal_pages
from ..engine.billing_cycles import first_end, last_end
from ..engine.pricing import amount_of
from ..engine.work import Obj, Work
from ..errors import Refusal, ResourceMissing
from .texts import Words

_LOOKS = {"paid": "paid", "open": "open", "uncollectible": "failed"}
_SHOWN_BILLS = 24


def home(work: Work, session_id: str, words: Words) -> dict[str, Any]:
    """The first page: plans, methods, details, invoices."""
    found = portal_pages.visit(work, session_id)
    customer, features = found.customer, found.features
    default = customer["invoice_settings"]["default_payment_method"]
    history = features["invoice_history"]["enabled"]
    bills = portal_pages.bills(work, customer["id"])[:_SHOWN_BILLS] if history else []
    return {
        "plans": [_plan(work, found, plan, words) for plan in portal_pages.living(work, customer["id"])],
        "methods": [
            {
                "id": method["id"],
                "name": words.method(method),
                "card": method.get("card"),
                "default": method["id"] == default,
                "removable": portal_pages.may_remove(work, customer, method["id"]),
            }
            for method in portal_pages.methods(work, customer["id"])
        ],
        "may_change_methods": features["payment_method_update"]["enabled"],
        "customer": customer,
        "may_change_details": bool(portal_pages.details_allowed(found)),
        "history": history,
        "bills": [_bill(invoice, words) for invoice in bills],
    }


def cancellation(work: Work, session_id: str, subscription_id: str, words: Words) -> dict[str, Any]:
    """The page that asks before cancelling."""
    found = portal_pages.visit(work, session_id)
    subscription = _own(work, found, subscription_id)
    feature = found.features["subscription_cancel"]
    reason = feature["cancellation_reason"]
    until = words.date(last_end(subscription))
    at_end = feature["mode"] == "at_period_end"
    return {
        "plan": _plan(work, found, subscription, words),
        "sentence": words("plan_cancel_end", date=until) if at_end else words("plan_cancel_now"),
        "reasons": [(name, words(f"reason_{name}")) for name in reason["options"]] if reason["enabled"] else [],
    }


def choice(work: Work, session_id: str, subscription_id: str, words: Words) -> dict[str, Any]:
    """The plans that the customer may change to."""
    found = portal_pages.visit(work, session_id)
    subscription = _own(work, found, subscription_id)
    item = subscription["items"]["data"][0]
    return {
        "plan": _plan(work, found, subscription, words),
        "offers": [
            {
                "id": price["id"],
                "name": work.read("product", price["product"])["name"],
                "price": _price_of(price, item.get("quantity", 1), subscription["currency"], words),
                "current": price["id"] == item["price"]["id"],
            }
            for price in portal_pages.plans(work, found)
        ],
    }


def confirmation(work: Work, session_id: str, subscription_id: str, price_id: str, words: Words) -> dict[str, Any]:
    """What a change of plan costs: it is made, looked at, and taken back."""
    offers = choice(work, session_id, subscription_id, words)["offers"]
    offer = next((offer for offer in offers if offer["id"] == price_id), None)
    if offer is None:
        raise ResourceMissing("price", price_id)
    before = work.read("subscription", subscription_id)["latest_invoice"]
    problem, due = None, None
    lines: list[tuple[str, str]] = []
    try:
        changed = portal_pages.change_plan(work, session_id, subscription_id, price_id)
        due, lines = _cost(work, changed, before, words)
    except Refusal as error:
        code = str(error.extra.get("decline_code") or error.code or "")
        problem = words.refusal(code, error.message)
    work.undo()
    found = portal_pages.visit(work, session_id)
    subscription = _own(work, found, subscription_id)
    return {
        "plan": _plan(work, found, subscription, words), "offer": offer, "due": due, "rows": lines, "problem": problem,
    }  # fmt: skip


def _cost(work: Work, subscription: Obj, before: str, words: Words) -> tuple[str | None, list[tuple[str, str]]]:
    """What is due at once, None when nothing is billed now; and the prorations."""
    if subscription["latest_invoice"] != before:
        invoice = work.read("invoice", subscription["latest_invoice"])
        rows = [
            (line["description"] or "", words.money(line["amount"], line["currency"]))
            for line in invoice["lines"]["data"]
        ]
        return words.money(invoice["amount_due"], invoice["currency"]), rows
    pending = [
        item
        for item in work.all("invoiceitem")
        if item["customer"] == subscription["customer"] and item["invoice"] is None and item["proration"]
    ]
    return None, [(item["description"] or "", words.money(item["amount"], item["currency"])) for item in pending[::-1]]


def _plan(work: Work, found: portal_pages.Visit, subscription: Obj, words: Words) -> dict[str, Any]:
    items = subscription["items"]["data"]
    names = [work.read("product", item["price"]["product"])["name"] for item in items]
    single = len(items) == 1
    ends, now_ends = subscription["cancel_at"], first_end(subscription)
    features = found.features
    if ends is not None:
        note = words("plan_ends", date=words.date(ends))
    elif subscription["status"] == "trialing":
        note = words("plan_trial_ends", date=words.date(subscription["trial_end"]))
    else:
        note = words("plan_renews", date=words.date(now_ends))
    return {
        "id": subscription["id"],
        "name": ", ".join(names),
        "price": ""
        if not single
        else _price_of(items[0]["price"], items[0].get("quantity", 1), subscription["currency"], words),
        "note": note,
        "late": subscription["status"] in ("past_due", "unpaid"),
        "ends": ends is not None,
        "cancelable": features["subscription_cancel"]["enabled"],
        "changeable": single and ends is None and len(portal_pages.plans(work, found)) > 1,
    }


def _price_of(price: Obj, quantity: int, currency: str, words: Words) -> str:
    if price["recurring"]["usage_type"] == "metered":
        return words("metered")
    amount = words.money(amount_of(price, quantity, currency), currency)
    return f"{amount} {words.every(price['recurring'])}"


def _bill(invoice: Obj, words: Words) -> dict[str, Any]:
    return {
        "id": invoice["id"],
        "number": invoice["number"] or invoice["id"],
        "at": words.date(invoice["effective_at"] or invoice["created"]),
        "total": words.money(invoice["total"], invoice["currency"]),
        "status": words(f"status_{invoice['status']}"),
        "look": _LOOKS.get(invoice["status"], "void"),
    }


def _own(work: Work, found: portal_pages.Visit, subscription_id: str) -> Obj:
    subscription = work.read("subscription", subscription_id)
    if subscription["customer"] != found.customer["id"] or subscription["ended_at"] is not None:
        raise ResourceMissing("subscription", subscription_id)
    return subscription
