"""Which tax a customer pays."""

from decimal import Decimal
from itertools import product
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.pricing.taxation import EU, Customer, Outcome, Policy, Rate, decide


def rate(country, percentage="21", customers="all"):
    return Rate(uuid4(), country, customers, "VAT", Decimal(percentage), False, f"txr_{country}_{customers}")


SPAIN, GERMANY = rate("ES"), rate("DE", "19")
POLICY = Policy("rates", "ES")


@pytest.mark.parametrize(
    ("customer", "rates", "expected"),
    [
        (Customer("ES"), [SPAIN], Outcome("rate", SPAIN)),
        (Customer("ES", "eu_vat"), [SPAIN], Outcome("rate", SPAIN)),  # at home there is no reverse charge
        (Customer("DE", "eu_vat"), [SPAIN, GERMANY], Outcome("reverse_charge")),
        (Customer("DE"), [SPAIN, GERMANY], Outcome("rate", GERMANY)),
        (Customer("FR"), [SPAIN, GERMANY], Outcome("rate", SPAIN)),  # below the threshold: the issuer's own
        (Customer("FR", "eu_vat"), [SPAIN], Outcome("reverse_charge")),
        (Customer("US", "us_ein"), [SPAIN], Outcome("none")),
        (Customer("GB", "gb_vat"), [SPAIN], Outcome("none")),
        (Customer("ES", is_exempt=True), [SPAIN], Outcome("exempt")),
        (Customer(), [SPAIN], Outcome("rate", SPAIN, is_assumed=True)),
        (Customer(), [], Outcome("none", is_assumed=True)),
    ],
)
def test_rules_of_the_union(customer, rates, expected):
    assert decide(POLICY, rates, customer) == expected


def test_a_rate_for_some_customers_goes_before_the_general_one_and_the_reverse_charge():
    business, everybody = rate("DE", "5", "with_tax_id"), rate("DE", "19")
    assert decide(POLICY, [business, everybody], Customer("DE", "eu_vat")) == Outcome("rate", business)
    assert decide(POLICY, [business, everybody], Customer("DE")) == Outcome("rate", everybody)
    private = rate("DE", "19", "without_tax_id")
    assert decide(POLICY, [private], Customer("DE", "eu_vat")) == Outcome("reverse_charge")


def test_a_tax_id_of_another_kind_is_no_vat_number():
    assert decide(POLICY, [SPAIN, GERMANY], Customer("DE", "us_ein")) == Outcome("rate", GERMANY)


def test_an_issuer_outside_the_union_knows_its_own_rates_only():
    away = Policy("rates", "US")
    assert decide(away, [GERMANY], Customer("DE", "eu_vat")) == Outcome("rate", GERMANY)
    assert decide(away, [GERMANY], Customer("FR", "eu_vat")) == Outcome("none")


def test_without_the_rules_of_the_union_only_rates_count():
    bare = Policy("rates", "ES", eu_rules=False)
    assert decide(bare, [SPAIN], Customer("FR")) == Outcome("none")
    assert decide(bare, [SPAIN, GERMANY], Customer("DE", "eu_vat")) == Outcome("rate", GERMANY)


def test_other_modes():
    assert decide(Policy(), [SPAIN], Customer("ES", is_exempt=True)) == Outcome("unmanaged")
    assert decide(Policy("stripe"), [], Customer("ES")) == Outcome("stripe")
    assert decide(Policy("stripe"), [], Customer("ES", is_exempt=True)) == Outcome("exempt")


@given(
    home=st.sampled_from(["", "ES", "DE", "US"]),
    rates=st.lists(
        st.sampled_from([
            rate(*terms) for terms in product(("ES", "DE", "US"), ("0", "21"), ("all", "with_tax_id", "without_tax_id"))
        ]),
        max_size=4,
        unique_by=lambda each: (each.country, each.customers),
    ),
    country=st.sampled_from(["", "ES", "DE", "FR", "US"]),
    kind=st.sampled_from(["", "eu_vat", "us_ein"]),
    eu_rules=st.booleans(),
)  # fmt: skip
def test_every_outcome_keeps_its_promises(home, rates, country, kind, eu_rules):
    found = decide(Policy("rates", home, eu_rules), rates, Customer(country, kind))
    assert (found.rate is not None) == (found.kind == "rate")
    assert found.is_assumed <= (not country)
    if found.rate is not None:
        assert found.rate in rates
        assert found.rate.country in {country or home, home}
        assert found.rate.customers in {"all", "with_tax_id" if kind else "without_tax_id"}
    if found.kind == "reverse_charge":
        assert eu_rules
        assert {home, country} <= EU
        assert home != country
        assert kind == "eu_vat"
