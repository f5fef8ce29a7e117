"""Which tax a customer pays, decided by country and tax id. Pure: no database, no clock, no Stripe.

Sources: Directive 2006/112/EC, Art. 44 with 196 (services to a taxable person of another member state: the recipient
owes the tax), Art. 58 and 59c (to everybody else: the customer's country, below the threshold the supplier's own).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

EU = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
        *("IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)
EU_VAT = "eu_vat"

Mode = Literal["unmanaged", "rates", "stripe"]
Customers = Literal["all", "with_tax_id", "without_tax_id"]
Kind = Literal["unmanaged", "stripe", "exempt", "rate", "reverse_charge", "none"]


@dataclass(frozen=True)
class Policy:
    """``mode``: who decides (nobody here, our own rates, Stripe Tax). ``home``: the issuer's country, "" if unknown.

    ``eu_rules``: apply the rules of the European Union between two of its countries. ``version`` rises with changes.
    """

    mode: Mode = "unmanaged"
    home: str = ""
    eu_rules: bool = True
    version: int = 0


@dataclass(frozen=True)
class Rate:
    """A tax of a country for some of its customers; ``percentage`` with up to four decimals.

    ``inclusive``: prices contain it; else it comes on top.
    """

    id: UUID
    country: str
    customers: Customers
    name: str
    percentage: Decimal
    inclusive: bool
    stripe_tax_rate_id: str


@dataclass(frozen=True)
class Customer:
    """``country``: ISO 3166-1 alpha-2, "" if not given. ``tax_id_kind``: Stripe's name of a checked tax id's kind."""

    country: str = ""
    tax_id_kind: str = ""
    is_exempt: bool = False


@dataclass(frozen=True)
class Outcome:
    """What follows; ``rate`` of a "rate" only. ``is_assumed``: no country was given, the issuer's was taken."""

    kind: Kind
    rate: Rate | None = None
    is_assumed: bool = False

    @property
    def rate_ids(self) -> list[str]:
        """Stripe's ids of the rates that lines without their own are to have."""
        return [] if self.rate is None else [self.rate.stripe_tax_rate_id]

    @property
    def is_automatic(self) -> bool:
        """Whether Stripe Tax works it out."""
        return self.kind == "stripe"

    @property
    def tax_exempt(self) -> Literal["none", "exempt", "reverse"]:
        """Stripe's word on the customer."""
        if self.kind == "exempt":
            return "exempt"
        return "reverse" if self.kind == "reverse_charge" else "none"


def decide(policy: Policy, rates: Sequence[Rate], customer: Customer) -> Outcome:
    """Which tax the customer pays.

    An exemption comes first. Of our own rates, one that is meant for customers with (or without) a tax id goes before
    the reverse charge between two countries of the Union, and that before a rate for all of a country. A customer of
    the Union whose country has no rate pays the issuer's own; anywhere else, without a rate, there is no tax.
    """
    if policy.mode == "unmanaged":
        return Outcome("unmanaged")
    if customer.is_exempt:
        return Outcome("exempt")
    if policy.mode == "stripe":
        return Outcome("stripe")
    country = customer.country or policy.home
    assumed = not customer.country
    has_tax_id = bool(customer.tax_id_kind)
    meant: Customers = "with_tax_id" if has_tax_id else "without_tax_id"
    of_country = {rate.customers: rate for rate in rates if rate.country == country}
    if meant in of_country:
        return Outcome("rate", of_country[meant], assumed)
    is_within_eu = policy.eu_rules and policy.home in EU and country in EU
    if is_within_eu and country != policy.home and customer.tax_id_kind == EU_VAT:
        return Outcome("reverse_charge")
    if "all" in of_country:
        return Outcome("rate", of_country["all"], assumed)
    if is_within_eu and (own := _own(policy, rates, meant)) is not None:
        return Outcome("rate", own, assumed)
    return Outcome("none", None, assumed)


def _own(policy: Policy, rates: Sequence[Rate], meant: Customers) -> Rate | None:
    at_home = {rate.customers: rate for rate in rates if rate.country == policy.home}
    return at_home.get(meant) or at_home.get("all")
