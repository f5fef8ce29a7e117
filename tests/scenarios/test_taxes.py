"""Taxes over months: what is decided here is what Stripe bills, from the next invoice on."""

from dataclasses import replace
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import billing_details, checkouts, plan_changes, tax_exemptions, tax_settings
from portal.billing.tax_settings import NewRate
from portal.extensions import db
from portal.gateway.client import gateway
from portal.invoicing import branding
from portal.models import AuditEntry, DriftFinding, Invoice
from tests.support import people
from tests.support.shopping import ACTOR

SPAIN = {"legal_name": "Acme, S.L.", "line1": "Gran Vía 1", "postal_code": "28013", "city": "Madrid", "country": "ES"}
GERMANY = {"country": "DE", "city": "Berlin", "postal_code": "10119", "tax_id": "DE136695976"}


@pytest.fixture(name="keeper")
def fixture_keeper(web):
    return people.staff("finance").user_id


@pytest.fixture(name="spanish_rates")
def fixture_spanish_rates(web, keeper, drain):
    """An issuer in Spain with its own rate."""
    branding.change(branding.Brand(name="NEO Stack, S.L.", country="ES", tax_id="ESB12345674"), actor=keeper)
    tax_settings.add_rate(rate("ES", "21"), actor=keeper)
    tax_settings.set_mode("rates", eu_rules=True, actor=keeper)
    drain()


def rate(country, percentage, customers="all", name="IVA"):
    return NewRate(
        country=country, customers=customers, name=name, percentage=Decimal(percentage), inclusive=False
    )  # fmt: skip


def enter(life, **changes):
    with tenancy.bound(life.tenant_id, request_token=uuid4()):
        kept = billing_details.change(replace(billing_details.current(), **changes))
    life.drain()
    return kept


def invoices(life):
    """Subtotal, tax and total of each, the oldest first."""
    with tenancy.bound(life.tenant_id):
        found = db.session.scalars(select(Invoice).order_by(Invoice.created_at, Invoice.number))
        return [(row.subtotal_minor, row.tax_minor, row.total_minor) for row in found]


def at_stripe(life):
    customer = life.get(f"customers/{life.customer.stripe_customer_id}")
    found = life.get(f"subscriptions/{life.subscription.stripe_subscription_id}")
    return (
        [each["percentage"] for each in found["default_tax_rates"]],
        found["automatic_tax"]["enabled"],
        customer["tax_exempt"],
    )


@pytest.mark.usefixtures("spanish_rates")
def test_each_change_holds_from_the_next_invoice_on(life, keeper):
    with pytest.raises(checkouts.CountryMissing):
        life.start()
    enter(life, **SPAIN)
    life.buy()
    assert invoices(life) == [(2900, 609, 3509)]
    assert at_stripe(life) == ([21], False, "none")
    enter(life, **GERMANY)  # of another country of the Union, with a VAT number: reverse charge
    life.hear()
    assert at_stripe(life) == ([], False, "reverse")
    life.advance(days=32)
    assert invoices(life)[1:] == [(2900, 0, 2900)]
    enter(life, tax_id="")  # a private person in Germany, below the threshold: the issuer's own
    life.hear()
    assert at_stripe(life) == ([21], False, "none")
    tax_settings.add_rate(rate("DE", "19", name="MwSt"), actor=keeper)
    life.drain()
    life.hear()
    assert at_stripe(life) == ([19], False, "none")
    life.advance(days=31)
    assert invoices(life)[2:] == [(2900, 551, 3451)]
    with tenancy.bound(life.tenant_id, user_id=keeper):
        tax_exemptions.grant("Certificate 2026/17 of the ministry", actor=keeper)
    life.drain()
    life.hear()
    assert at_stripe(life) == ([], False, "exempt")
    life.advance(days=31)
    assert invoices(life)[3:] == [(2900, 0, 2900)]
    with tenancy.bound(life.tenant_id, user_id=keeper):
        tax_exemptions.end(actor=keeper)
    life.drain()
    life.hear()
    assert at_stripe(life) == ([19], False, "none")
    with tenancy.bound(life.tenant_id):
        verbs = db.session.scalars(select(AuditEntry.verb)).all()
    assert {"billing_details.change", "tax.apply", "tax.exempt", "tax.exempt.end"} <= set(verbs)


@pytest.mark.usefixtures("spanish_rates")
def test_details_are_stripes_too(life):
    enter(life, **SPAIN, tax_id="B12345674", email="Billing@Acme.example")
    life.buy()
    customer = life.get(f"customers/{life.customer.stripe_customer_id}")
    assert (customer["name"], customer["email"]) == ("Acme, S.L.", "billing@acme.example")
    assert (customer["address"]["line1"], customer["address"]["country"]) == ("Gran Vía 1", "ES")
    tax_ids = f"customers/{customer['id']}/tax_ids"
    assert [(each["type"], each["value"]) for each in life.get(tax_ids)["data"]] == [("eu_vat", "ESB12345674")]
    enter(life, **GERMANY)
    assert [each["value"] for each in life.get(tax_ids)["data"]] == ["DE136695976"]
    enter(life, tax_id="")
    assert life.get(tax_ids)["data"] == []


@pytest.mark.usefixtures("spanish_rates")
def test_a_scheduled_change_of_plan_keeps_the_tax_of_the_day(life, keeper):
    enter(life, **SPAIN)
    life.buy("professional")
    with tenancy.bound(life.tenant_id, request_token=uuid4()):
        offer = plan_changes.quote("starter", "month", 1, actor=ACTOR)
        plan_changes.confirm(offer.id, actor=ACTOR)
    life.hear()
    enter(life, **GERMANY)
    life.hear()
    life.advance(days=32)
    assert invoices(life)[-1] == (2900, 0, 2900)
    assert at_stripe(life) == ([], False, "reverse")


def test_stripe_tax_works_it_out_where_staff_say_so(life, keeper):
    tax_settings.set_mode("stripe", eu_rules=True, actor=keeper)
    life.sandbox.post("settings", tax_registrations={"ES": 21})
    try:
        enter(life, **SPAIN)
        life.buy()
        assert invoices(life) == [(2900, 609, 3509)]
        assert at_stripe(life) == ([], True, "none")
    finally:
        life.sandbox.post("settings", tax_registrations={})


def test_nothing_is_touched_before_staff_decide(life):
    life.buy()
    stripe_id, rate_id = life.subscription.stripe_subscription_id, _rate_at_stripe()
    gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, {"default_tax_rates": [rate_id]}))
    life.hear()
    assert at_stripe(life) == ([7], False, "none")


@pytest.mark.usefixtures("spanish_rates")
def test_what_somebody_changed_at_stripe_is_put_right(life):
    enter(life, **SPAIN)
    life.buy()
    stripe_id, rate_id = life.subscription.stripe_subscription_id, _rate_at_stripe()
    gateway().write(lambda s: s.v1.subscriptions.update(stripe_id, {"default_tax_rates": [rate_id]}))
    life.hear()
    assert at_stripe(life) == ([21], False, "none")
    with tenancy.staff_session() as session:
        assert "tax_refused" not in session.scalars(select(DriftFinding.kind)).all()


def _rate_at_stripe():
    terms = {"display_name": "Other", "percentage": 7, "inclusive": False}
    return gateway().write(lambda s: s.v1.tax_rates.create(terms)).id
