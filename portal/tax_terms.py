"""Which tax the bound tenant pays, by what staff set and the tenant entered."""

from sqlalchemy import select

from portal import tenancy
from portal.extensions import db
from portal.models import BillingDetails, Installation, TaxExemption, TaxRate
from portal.pricing import taxation
from portal.pricing.taxation import Outcome, Policy, Rate


def policy() -> Policy:
    """What staff set; nothing is managed before that."""
    tax, issuer = db.session.execute(select(Installation.tax, Installation.issuer)).one()
    home = issuer.get("country", "")
    return Policy(tax.get("mode", "unmanaged"), home, tax.get("eu_rules", True), tax.get("version", 0))


def rates() -> list[Rate]:
    """The rates that hold now, by country."""
    wanted = select(TaxRate).where(TaxRate.retired_at.is_(None)).order_by(TaxRate.country, TaxRate.customers)
    return [_rate(row) for row in db.session.scalars(wanted)]


def exemption() -> TaxExemption | None:
    """The bound tenant's running exemption."""
    tenant_id = tenancy.require_tenant()
    wanted = select(TaxExemption).where(TaxExemption.tenant_id == tenant_id, TaxExemption.ended_at.is_(None))
    return db.session.scalars(wanted).first()


def current() -> Outcome:
    """What the bound tenant pays from its next invoice on."""
    details = db.session.get(BillingDetails, tenancy.require_tenant())
    country, kind = ("", "") if details is None else (details.country, details.tax_id_kind)
    return would_be(country, kind)


def would_be(country: str, tax_id_kind: str) -> Outcome:
    """What the bound tenant would pay with another country or tax id."""
    held = policy()
    if held.mode == "unmanaged":
        return Outcome("unmanaged")
    customer = taxation.Customer(country, tax_id_kind, is_exempt=exemption() is not None)
    return taxation.decide(held, rates(), customer)


def needs_country() -> bool:
    """Whether the tax depends on a country that the bound tenant has not given."""
    outcome = current()
    if outcome.kind in ("unmanaged", "exempt"):
        return False
    details = db.session.get(BillingDetails, tenancy.require_tenant())
    return details is None or not details.country


def _rate(row: TaxRate) -> Rate:
    return Rate(
        id=row.id,
        country=row.country,
        customers=row.customers,  # type: ignore[arg-type]  # held by a constraint of the table
        name=row.name,
        percentage=row.percentage,
        inclusive=row.inclusive,
        stripe_tax_rate_id=row.stripe_tax_rate_id,
    )
