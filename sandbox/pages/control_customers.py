"""Customers as the control room shows them: their time, their subscriptions, and what happens to them next."""

from itertools import islice
from typing import Any

from ..engine import agenda, invoices, planned_failures, test_clocks
from ..engine.periods import period_end
from ..engine.work import Obj, Work
from . import agenda_words
from .rendering import ENGLISH, moment

SHOWN = 20
_MONTH: Obj = {"interval": "month", "interval_count": 1}
_DAY = 86400
_ENDED = ("canceled", "incomplete_expired")
_LOOKS = {
    "active": "paid", "trialing": "open", "past_due": "failed", "unpaid": "failed", "incomplete": "open",
    "paused": "open",
}  # fmt: skip


def found(work: Work, wanted: str) -> tuple[list[dict[str, Any]], int]:
    """The newest customers whose name, e-mail or id has the word in it, and how many more there are."""
    word = wanted.lower()
    matching = [
        customer
        for customer in work.all("customer")
        if word in f"{customer['id']} {customer['email']} {customer['name']}".lower()
    ]
    waiting = agenda_words.of_customers(work)
    return (
        [shown(work, customer, waiting.get(customer["id"], [])) for customer in matching[:SHOWN]],
        max(len(matching) - SHOWN, 0),
    )


def shown(work: Work, customer: Obj, waiting: list[Obj]) -> dict[str, Any]:
    """One customer; times are texts, relative ones counted from the customer's own now."""
    now = now_of(work, customer)
    plans = [each for each in work.all("subscription") if each["customer"] == customer["id"]]
    billed = (invoice for invoice in work.all(invoices.KIND) if invoice["customer"] == customer["id"])
    failure = planned_failures.ahead(work, customer["id"])
    return {
        "id": customer["id"],
        "name": customer["name"] or customer["email"] or customer["id"],
        "email": customer["email"] if customer["name"] else None,
        "balance": customer["balance"] and ENGLISH.money(customer["balance"], customer["currency"] or "usd"),
        "delinquent": customer["delinquent"],
        "clock": clock_of(work, customer, now),
        "plans": [_plan(work, plan, now) for plan in plans if plan["status"] not in _ENDED],
        "ended": sum(1 for plan in plans if plan["status"] in _ENDED),
        "agenda": [
            {"what": agenda_words.sentence(work, entry), "at": moment(entry["at"]), "in": ahead(entry["at"] - now)}
            for entry in waiting[:8]
        ],
        "steps": steps(work, customer, waiting),
        "fails": failure is not None,
        "invoices": [_invoice(invoice) for invoice in islice(billed, 6)],
    }


def steps(work: Work, customer: Obj, waiting: list[Obj]) -> list[dict[str, Any]]:
    """Where the customer's time can be moved to: name, label, time (UTC seconds) or None where there is none."""
    now = now_of(work, customer)
    plans = [each for each in work.all("subscription") if each["customer"] == customer["id"]]
    trials = [plan["trial_end"] for plan in plans if plan["status"] == "trialing"]
    renewals = [agenda.at(work, "subscription.renew", plan["id"]) for plan in plans]
    return [
        {"name": "next", "label": "To what is next", "at": waiting[0]["at"] if waiting else None},
        {"name": "day", "label": "+1 day", "at": now + _DAY},
        {"name": "trial", "label": "To trial end", "at": min(trials, default=None)},
        {"name": "renewal", "label": "To renewal", "at": min((at for at in renewals if at), default=None)},
        {"name": "month", "label": "+1 month", "at": period_end(now, _MONTH)},
    ]


def now_of(work: Work, customer: Obj) -> int:
    """The customer's time (UTC seconds)."""
    clock = customer["test_clock"]
    return int(work.global_now if clock is None else work.read(test_clocks.KIND, clock)["frozen_time"])


def clock_of(work: Work, customer: Obj, now: int) -> dict[str, Any] | None:
    """The customer's own clock, with who else lives by it; None by the global one."""
    clock_id = customer["test_clock"]
    if clock_id is None:
        return None
    clock = work.read(test_clocks.KIND, clock_id)
    others = [each for each in test_clocks.customers_of(work, clock_id) if each["id"] != customer["id"]]
    return {
        "id": clock_id,
        "name": clock["name"],
        "now": moment(now),
        "status": clock["status"],
        "others": [each["name"] or each["email"] or each["id"] for each in others],
    }


def ahead(seconds: int) -> str:
    """How long until then: in 30 days, in 2 hours, now."""
    for size, unit in ((_DAY, "day"), (3600, "hour"), (60, "minute")):
        count = round(seconds / size)
        if count >= 1:
            return f"in {count} {unit}{'s' if count != 1 else ''}"
    return "now"


def _plan(work: Work, subscription: Obj, now: int) -> dict[str, Any]:
    items = []
    for item in subscription["items"]["data"]:
        name = work.read("product", item["price"]["product"])["name"]
        quantity = item.get("quantity", 1)
        items.append(f"{name} × {quantity}" if quantity != 1 else name)
    status = subscription["status"]
    return {
        "id": subscription["id"],
        "items": ", ".join(items),
        "price": _price(subscription),
        "status": status,
        "look": _LOOKS.get(status, "void"),
        "note": _note(subscription, now),
    }


def _price(subscription: Obj) -> str:
    """What one flat item costs a period; nothing for what has no single price."""
    items = subscription["items"]["data"]
    price = items[0]["price"]
    if len(items) != 1 or price["unit_amount"] is None or "quantity" not in items[0]:
        return ""
    if price["currency"] != subscription["currency"]:
        return ""
    amount = ENGLISH.money(price["unit_amount"] * items[0]["quantity"], price["currency"])
    return f"{amount} {ENGLISH.every(price['recurring'])}"


def _note(subscription: Obj, now: int) -> str:
    ends = subscription["cancel_at"]
    if ends is not None:
        return f"ends {ENGLISH.date(ends)}, {ahead(ends - now)}"
    if subscription["status"] == "trialing":
        return f"trial until {ENGLISH.date(subscription['trial_end'])}, {ahead(subscription['trial_end'] - now)}"
    if subscription["status"] in ("paused", "incomplete"):
        return ""
    until = min(item["current_period_end"] for item in subscription["items"]["data"])
    return f"renews {ENGLISH.date(until)}, {ahead(until - now)}"


def _invoice(invoice: Obj) -> dict[str, Any]:
    return {
        "id": invoice["id"],
        "number": invoice["number"] or "draft",
        "url": invoice["hosted_invoice_url"] and f"/invoice/{invoice['id']}",
        "total": ENGLISH.money(invoice["total"], invoice["currency"]),
        "status": invoice["status"],
        "look": {"paid": "paid", "open": "open", "uncollectible": "failed"}.get(invoice["status"], "void"),
        "at": ENGLISH.date(invoice["created"]),
    }
