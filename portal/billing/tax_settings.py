"""What staff decide about taxes: who works them out, and the rates by country and tax id."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from portal import clock, tax_terms, tenancy
from portal.errors import Conflict, Invalid
from portal.extensions import db
from portal.gateway.client import as_dict, gateway, keyed
from portal.ids import uuid7
from portal.models import Installation, TaxRate
from portal.models.taxes import TAXED_CUSTOMERS
from portal.outbox import stage
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import TaxRateCreateParams

MODES = ("unmanaged", "rates", "stripe")
_PLACES = Decimal("0.0001")  # as fine as Stripe takes a percentage
_LONGEST_NAME = 50


class BadTaxRate(Invalid):
    """``field`` names what is wrong."""

    code = "bad_tax_rate"
    message = "A tax rate is a percentage from 0 to 100 with at most four decimals."
    field = "percentage"


class BadRateName(BadTaxRate):
    code = "bad_tax_rate_name"
    message = "A tax has a name of at most 50 characters, such as VAT."
    field = "name"


class RateTaken(Conflict):
    code = "tax_rate_taken"
    message = "These customers of the country have a rate already."
    remedy = "End that one first."


class BadTaxMode(Invalid):
    code = "bad_tax_mode"
    message = "Choose one of the offered values."


@dataclass(frozen=True, kw_only=True)
class NewRate:
    """What staff enter; ``percentage`` of 0 to 100, ``country`` as ISO 3166-1 alpha-2."""

    country: str
    customers: str
    name: str
    percentage: Decimal
    inclusive: bool

    def check(self) -> None:
        """Raises :class:`BadTaxRate`."""
        fits = self.percentage.is_finite() and 0 <= self.percentage <= 100
        if not fits or self.percentage != self.percentage.quantize(_PLACES):
            raise BadTaxRate
        if not 1 <= len(self.name.strip()) <= _LONGEST_NAME:
            raise BadRateName
        if self.customers not in TAXED_CUSTOMERS:
            raise BadTaxMode


def set_mode(mode: str, *, eu_rules: bool, actor: UUID) -> None:
    """Say who works taxes out, from the next invoice of each subscription on. Commits.

    ``actor``: of the staff's admin or finance. Raises :class:`BadTaxMode`.
    """
    if mode not in MODES:
        raise BadTaxMode
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        held = tax_terms.policy()
        before, after = _said(held.mode, held.eu_rules), _said(mode, eu_rules)
        if before != after:
            _change({"mode": mode, "eu_rules": eu_rules})
            audit.record("tax.policy", "installation", "tax", before=before, after=after)
        db.session.commit()


def add_rate(wanted: NewRate, *, actor: UUID) -> None:
    """Tax the customers of a country, from the next invoice of each subscription on. Commits.

    Stripe has the rate before it can be meant for anybody: asked twice for the same, it makes one. Raises
    :class:`BadTaxRate`, :class:`RateTaken`, :class:`portal.gateway.errors.StripeFailure`.
    """
    wanted.check()
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        _refuse_taken(wanted)
        db.session.commit()
        stripe_id = _publish(wanted)
        values = {**_columns(wanted), "stripe_tax_rate_id": stripe_id}
        try:
            db.session.execute(insert(TaxRate).values(id=uuid7(), **values))
            _change({})
        except IntegrityError as error:
            db.session.rollback()
            raise RateTaken from error
        audit.record("tax.rate.add", "tax_rate", stripe_id, after={**values, "percentage": str(wanted.percentage)})
        db.session.commit()


def retire_rate(country: str, customers: str, *, actor: UUID) -> None:
    """End a rate, from the next invoice of each subscription on. Commits; one that is not there is ended."""
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        current = TaxRate.country == country, TaxRate.customers == customers, TaxRate.retired_at.is_(None)
        ended = db.session.scalar(
            update(TaxRate).where(*current).values(retired_at=clock.now()).returning(TaxRate.stripe_tax_rate_id)
        )
        if ended is not None:
            _change({})
            audit.record("tax.rate.retire", "tax_rate", ended)
        db.session.commit()


def _refuse_taken(wanted: NewRate) -> None:
    same = TaxRate.country == wanted.country, TaxRate.customers == wanted.customers, TaxRate.retired_at.is_(None)
    if db.session.scalar(select(TaxRate.id).where(*same)) is not None:
        raise RateTaken


def _publish(wanted: NewRate) -> str:
    """Stripe's id of the rate."""
    params: TaxRateCreateParams = {
        "country": wanted.country,
        "display_name": wanted.name.strip(),
        "inclusive": wanted.inclusive,
        "percentage": float(wanted.percentage),  # exact: four decimals at most
    }
    key = keyed(f"tax_rate:{uuid5(NAMESPACE_URL, repr(sorted(params.items())))}")
    return str(as_dict(gateway().write(lambda s: s.v1.tax_rates.create(params, key)))["id"])


def _columns(wanted: NewRate) -> dict[str, Any]:
    return {
        "country": wanted.country,
        "customers": wanted.customers,
        "name": wanted.name.strip(),
        "percentage": wanted.percentage,
        "inclusive": wanted.inclusive,
    }


def _change(changed: dict[str, Any]) -> None:
    """Write the installation's settings and have all running subscriptions compared with them."""
    held = db.session.scalars(select(Installation.tax).with_for_update()).one()
    version = held.get("version", 0) + 1
    db.session.execute(update(Installation).values(tax={**held, **changed, "version": version}))
    stage("tax.spread", f"tax.spread:{version}")


def _said(mode: str, eu_rules: bool) -> dict[str, Any]:
    return {"mode": mode, "eu_rules": eu_rules}
