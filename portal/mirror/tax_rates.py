"""Stripe's tax rates: invoices name them by id only, and they cannot be expanded there."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from portal.gateway.client import Gateway, as_dict, gateway


def complete(taxes: Sequence[dict[str, Any]] | None) -> None:
    """Put the rate in the place of its id, in an invoice's ``total_taxes``. No transaction may be open."""
    for entry in taxes or ():
        details = entry.get("tax_rate_details") or {}
        if isinstance(details.get("tax_rate"), str):
            details["tax_rate"] = _rate(gateway(), details["tax_rate"])


@lru_cache(maxsize=1024)
def _rate(stripe: Gateway, rate_id: str) -> dict[str, Any]:
    """Read once in a process: a rate's percentage never changes at Stripe, who makes a new rate instead."""
    return as_dict(stripe.read(lambda s: s.v1.tax_rates.retrieve(rate_id)))
