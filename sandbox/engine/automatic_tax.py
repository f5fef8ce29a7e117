"""Automatic tax (Stripe Tax), as far as it shows: one rate for the customer's country or state, where registered.

Stripe knows the rates of the world; here the setting `tax_registrations` (account_settings.py) says them, and
nothing is collected elsewhere, as in a Stripe account without registrations. A price of unspecified behavior is
taxed exclusively (assumed: the account's default).
"""

from decimal import Decimal

from ..errors import InvalidRequest
from . import account_settings
from .taxation import Rate
from .work import Obj, Work

KIND = "tax_rate"


def shown(enabled: bool) -> Obj:
    """`automatic_tax` of a new draft invoice."""
    return {
        "disabled_reason": None,
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": "complete" if enabled else None,
    }


def check_location(work: Work, customer_id: str) -> None:
    """InvalidRequest (customer_tax_location_invalid) for a customer without a country."""
    if location_of(work.read("customer", customer_id)) is None:
        raise InvalidRequest(
            "The customer's location isn't recognized. Set a valid customer address in order to automatically "
            "calculate tax.",
            code="customer_tax_location_invalid",
            param="automatic_tax[enabled]",
        )


def location_of(customer: Obj) -> Obj | None:
    """The address that taxes go by: where things are shipped to, else the customer's; None without a country."""
    shipped = (customer["shipping"] or {}).get("address")
    return next((found for found in (shipped, customer["address"]) if found and found.get("country")), None)


def refresh(work: Work, invoice: Obj) -> None:
    """Sets the status of a draft's automatic tax by what is known of the customer."""
    if invoice["automatic_tax"]["enabled"]:
        known = location_of(work.read("customer", invoice["customer"])) is not None
        invoice["automatic_tax"]["status"] = "complete" if known else "requires_location_inputs"


def give_up(work: Work, invoice: Obj) -> None:
    """For finalizing: without a location the invoice goes out without tax, and says so."""
    refresh(work, invoice)
    if invoice["automatic_tax"]["status"] == "requires_location_inputs":
        invoice["automatic_tax"] = {**shown(False), "disabled_reason": "finalization_requires_location_inputs"}


def rates_at(work: Work, address: Obj | None, *, inclusive: bool) -> list[Rate]:
    """The rate of an address, none where the account is not registered. It becomes a stored tax rate."""
    if address is None:
        return []
    registrations = account_settings.current(work)["tax_registrations"]
    country, state = address["country"], address.get("state")
    place = next((each for each in (f"{country}-{state}", country) if each in registrations), None)
    if place is None:
        return []
    percentage = registrations[place]
    rate = _stored(work, place, percentage, inclusive=inclusive)
    return [Rate(rate["id"], Decimal(str(percentage)), inclusive, "standard_rated")]


def rates_of_line(work: Work, invoice: Obj, line: Obj) -> list[Rate]:
    """The rate of an invoice's line, by where its customer is and how its price contains tax."""
    price_id = (line["pricing"] or {}).get("price_details", {}).get("price")
    price = None if price_id is None else work.read("price", price_id)
    address = location_of(work.read("customer", invoice["customer"]))
    return rates_at(work, address, inclusive=price is not None and price["tax_behavior"] == "inclusive")


def _stored(work: Work, place: str, percentage: float, *, inclusive: bool) -> Obj:
    """The tax rate object of a place, made at its first use; archived, so that nobody applies it by hand."""
    for rate in work.all(KIND):
        if rate.get("_") == {"place": place} and (rate["percentage"], rate["inclusive"]) == (percentage, inclusive):
            return rate
    country, _, state = place.partition("-")
    rate = {
        "id": work.new_id("txr"),
        "object": KIND,
        "active": False,
        "country": country,
        "created": work.now,
        "description": None,
        "display_name": "Sales Tax" if country == "US" else "VAT",
        "effective_percentage": percentage,
        "flat_amount": None,
        "inclusive": inclusive,
        "jurisdiction": place,
        "jurisdiction_level": "state" if state else "country",
        "livemode": False,
        "metadata": {},
        "percentage": percentage,
        "rate_type": "percentage",
        "state": state or None,
        "tax_type": "sales_tax" if country == "US" else "vat",
        "_": {"place": place},
    }
    return work.add(KIND, rate)
