"""The order beside the payer's form: items, discount, taxes and what is due, in the payer's language."""

from typing import Any

from ..engine import checkout_items, checkout_payment, checkout_plans, checkout_totals
from ..engine.account import NAME
from ..engine.pricing import terms_in
from ..engine.work import Obj, Work
from .texts import Words


def summary(work: Work, session: Obj, words: Words) -> dict[str, Any]:
    """What the template shows of the order; amounts are texts."""
    items, currency = session["_"]["items"], session["currency"]
    trial_end = checkout_plans.trial_end(work, session) if session["mode"] == "subscription" else None
    recurring = [item for item in items if checkout_items.is_recurring(item)]
    every = words.every(recurring[0]["price"]["recurring"]) if recurring else ""
    whole = checkout_totals.after_trial(session)
    due = checkout_payment.due(work, session)
    return {
        "title": _title(session, words),
        "amount": None if not items else words.money(whole if trial_end else due, currency),
        "every": every if trial_end or len(recurring) == len(items) else "",
        "note": _note(work, session, words, trial_end, f"{words.money(whole, currency)} {every}"),
        "items": [_item(item, words) for item in items],
        "subtotal": None if not items else words.money(session["amount_subtotal"], currency),
        "discount": _discount(work, session, words),
        "taxes": _taxes(session, words),
        "balance": _balance(session, words, due),
        "due": None if not items else words.money(due, currency),
        "due_label": words("due_today" if session["mode"] == "subscription" else "total"),
    }


def button(work: Work, session: Obj, words: Words) -> str:
    """What the button says."""
    if session["mode"] == "setup":
        return words("save")
    due = checkout_payment.due(work, session)
    amount = words.money(due, session["currency"])
    if session["mode"] == "payment":
        wanted = {"book": "book", "donate": "donate"}.get(session["submit_type"] or "", "pay")
        return words(wanted, amount=amount) if due else words("place_order")
    if checkout_plans.trial_end(work, session) is not None and due == 0:
        return words("start_trial")
    return words("pay", amount=amount) if due and session["submit_type"] != "subscribe" else words("subscribe")


def discount_label(coupon: Obj, words: Words, currency: str, *, lasts: bool) -> str:
    """What a coupon takes off and for how long: 20% off for 3 months."""
    if coupon["percent_off"] is not None:
        what = words("off_percent", percent=words.percent(coupon["percent_off"]))
    else:
        what = words("off_amount", amount=words.money(coupon["amount_off"], coupon["currency"] or currency))
    if not lasts:
        return what
    if coupon["duration"] == "repeating":
        months = coupon["duration_in_months"]
        return words("off_month", what=what) if months == 1 else words("off_months", what=what, months=months)
    return words("off_forever" if coupon["duration"] == "forever" else "off_once", what=what)


def tax_label(rate: Obj, words: Words) -> str:
    """The name of a tax with its percentage, and whether prices contain it."""
    key = "tax_included" if rate["inclusive"] else "tax_on_top"
    return words(key, name=rate["display_name"], percent=words.percent(rate["percentage"]))


def _title(session: Obj, words: Words) -> str:
    if session["mode"] == "setup":
        return words("save_details")
    items = [item for item in session["_"]["items"] if checkout_items.is_recurring(item)]
    if session["mode"] == "payment":
        return words("pay_merchant", merchant=NAME)
    if len(items) == 1:
        return words("subscribe_to", name=items[0]["description"])
    return words("subscribe_to_several", name=items[0]["description"], count=len(items) - 1)


def _note(work: Work, session: Obj, words: Words, trial_end: int | None, price: str) -> str | None:
    if session["mode"] == "setup":
        return words("save_details_text", merchant=NAME)
    if session["mode"] == "payment":
        return None
    if trial_end is not None:
        days = max(round((trial_end - work.now) / 86400), 1)
        key = "trial_one" if days == 1 else "trial"
        return words(key, days=days, price=price, date=words.date(trial_end))
    once = any(not checkout_items.is_recurring(item) for item in session["_"]["items"])
    chosen = session["_"]["discount"]
    ends = chosen is not None and chosen["coupon"]["duration"] != "forever"
    if once or ends or session["_"]["subscription_data"].get("billing_cycle_anchor"):
        plain = not (session["_"]["breakdown"]["taxes"] or chosen)
        return words("then" if plain else "then_before", price=price)
    return None


def _item(item: Obj, words: Words) -> dict[str, Any]:
    price, quantity = item["price"], item["quantity"]
    parts = []
    if quantity is not None:
        parts.append(words("quantity", count=quantity))
    if quantity is None:
        parts.append(words("metered"))
    elif price["billing_scheme"] == "tiered":
        parts.append(words("tiered"))
    else:
        unit = words.rate(terms_in(price, item["currency"])["unit_amount_decimal"], item["currency"])
        parts.append(unit if quantity == 1 else words("each", price=unit))
    if price["recurring"] is not None:
        parts.append(words.every(price["recurring"]))
    return {
        "id": item["id"],
        "name": item["description"],
        "details": " · ".join(parts),
        "amount": words.money(item["amount_subtotal"], item["currency"]),
        "quantity": quantity,
        "bounds": item["adjustable_quantity"],
    }


def _discount(work: Work, session: Obj, words: Words) -> dict[str, Any] | None:
    chosen = session["_"]["discount"]
    if chosen is None:
        return None
    coupon, currency = chosen["coupon"], session["currency"]
    code_id = chosen["entry"].get("promotion_code")
    lasts = session["mode"] == "subscription"
    return {
        "name": work.read("promotion_code", code_id)["code"] if code_id else coupon["name"] or words("discount"),
        "label": discount_label(coupon, words, currency, lasts=lasts),
        "amount": words.money(-session["total_details"]["amount_discount"], currency),
        "removable": bool(code_id and session["allow_promotion_codes"]),
    }


def _taxes(session: Obj, words: Words) -> list[tuple[str, str]]:
    currency, taxes = session["currency"], session["_"]["breakdown"]["taxes"]
    if session["automatic_tax"]["enabled"] and not taxes:
        known = session["automatic_tax"]["status"] == "complete"
        return [(words("tax"), words.money(0, currency) if known else words("tax_later"))]
    return [(tax_label(tax["rate"], words), words.money(tax["amount"], currency)) for tax in taxes]


def _balance(session: Obj, words: Words, due: int) -> tuple[str, str] | None:
    """What the customer's balance changes about the first invoice."""
    moved = due - (session["amount_total"] or 0)
    if moved == 0:
        return None
    return words("balance_applied" if moved < 0 else "balance_owed"), words.money(moved, session["currency"])
