"""The discounts that run on a subscription, as its row keeps them."""

from decimal import Decimal
from typing import Any

from portal import clock

EXPAND = "discounts.source.coupon"
EXPAND_ITEMS = "items.data.discounts"


def copied(resource: dict[str, Any]) -> list[dict[str, Any]]:
    """The subscription's discounts, in Stripe's order, as JSON.

    Each with ``id``, ``stripe_coupon_id``, ``name``, ``percent_off`` (text) or ``amount_off_minor`` with ``currency``,
    ``duration``, ``starts_at`` and ``ends_at`` (ISO 8601 in UTC, ``None``: not by time).
    """
    return [_discount(entry) for entry in resource.get("discounts") or [] if isinstance(entry, dict)]


def reaching(entries: list[Any] | None, at: int) -> list[str]:
    """The ids of those of an object's expanded discounts that still count at a second of Stripe's time."""
    return [entry["id"] for entry in entries or () if entry["end"] is None or entry["end"] > at]


def _discount(entry: dict[str, Any]) -> dict[str, Any]:
    coupon = (entry.get("source") or {}).get("coupon")
    terms = coupon if isinstance(coupon, dict) else {"id": coupon}
    percent = terms.get("percent_off")
    return {
        "id": entry["id"],
        "stripe_coupon_id": terms["id"],
        "name": terms.get("name") or terms["id"],
        "percent_off": None if percent is None else f"{Decimal(str(percent)).normalize():f}",
        "amount_off_minor": terms.get("amount_off"),
        "currency": terms.get("currency"),
        "duration": terms.get("duration") or "forever",
        "starts_at": _moment(entry.get("start")),
        "ends_at": _moment(entry.get("end")),
    }


def _moment(seconds: int | None) -> str | None:
    at = clock.from_timestamp(seconds)
    return None if at is None else at.isoformat()
