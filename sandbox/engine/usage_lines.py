"""The lines of metered items: what was used of a period that has ended.

Usage that is reported late counts until the invoice is finalized, so the lines are made anew then
(docs.stripe.com/billing/subscriptions/usage-based, grace period).
"""

from decimal import Decimal

from . import meter_usage, pricing
from .invoice_lines import described, is_metered, line_of
from .work import Obj, Work, copied


def of_periods(work: Work, invoice_id: str, subscription: Obj, items: list[Obj], until: int | None = None) -> list[Obj]:
    """The lines of the metered ones among these items for their current periods, up to `until` (UTC seconds)."""
    lines = []
    for item in items:
        end = item["current_period_end"] if until is None else min(until, item["current_period_end"])
        if is_metered(item) and item["current_period_start"] < end:
            lines += _lines_of(work, invoice_id, subscription, {**item, "current_period_end": end})
    return lines


def has_usage(work: Work, subscription: Obj) -> bool:
    """Whether something was used of the current periods and is not billed yet."""
    return any(_used(work, subscription, item) for item in subscription["items"]["data"] if is_metered(item))


def refresh(work: Work, invoice: Obj) -> None:
    """Makes the lines of usage anew, with what was reported since."""
    lines: list[Obj] = []
    done: set[str] = set()
    for line in invoice["lines"]["data"]:
        item = line.get("_", {}).get("metered_item")
        if item is None:
            lines.append(line)
        elif item["id"] not in done:
            done.add(item["id"])
            lines += _lines_of(work, invoice["id"], work.read("subscription", item["subscription"]), item)
    invoice["lines"]["data"] = lines


def _lines_of(work: Work, invoice_id: str, subscription: Obj, item: Obj) -> list[Obj]:
    used = _used(work, subscription, item)
    lines = []
    for part in pricing.parts_of(item["price"], used, subscription["currency"]):
        text = described(work, item["price"], part, subscription)
        line = line_of(work, invoice_id, subscription, item, part, text)
        lines.append({**line, "_": {**line.get("_", {}), "metered_item": copied(item)}})
    return lines


def _used(work: Work, subscription: Obj, item: Obj) -> Decimal:
    meter_id, customer_id = item["price"]["recurring"]["meter"], subscription["customer"]
    return meter_usage.usage(work, meter_id, customer_id, item["current_period_start"], item["current_period_end"])
