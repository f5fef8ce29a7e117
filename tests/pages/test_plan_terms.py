"""Staff set what a plan includes of a resource and what more costs; a preview explains it before it holds."""

from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import tenancy
from portal.extensions import db
from portal.models import AuditEntry, Plan, PlanResource
from portal.usage import terms
from tests.support import html, people

PAGE = "/staff/terms"
CALLS = f"{PAGE}/starter/api_calls"
BASE = {"included": "10000", "limit_kind": "soft", "tiers_mode": "graduated", "package_size": "1"}


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


def tiers(*rows, currency="usd"):
    """Fields of rows: (up to, each, once)."""
    names = ("up_to", "unit", "flat")
    return {
        f"tier-{currency}-{at}-{name}": value
        for at, row in enumerate(rows)
        for name, value in zip(names, row, strict=True)
    }


TIERS = tiers(("1000", "0.005", ""), ("5000", "0.0025", "3"), ("", "0.001", ""))


def holds(plan_id="starter", resource_type="api_calls"):
    with tenancy.bound(tenancy.PLATFORM):
        return terms.of_plan(db.session.get(Plan, plan_id)).get(resource_type)


def test_what_is_saved_holds(keeper, write):
    assert keeper.send(CALLS, CALLS, **{**BASE, **TIERS, "included": "20000"}).status_code == 303
    now = holds()
    assert (now.included, now.limit_kind) == (20_000, "soft")
    assert [now.price(Decimal(used), "usd").amount for used in (20_000, 20_001, 21_001, 26_000)] == [0, 1, 800, 1900]
    assert write.get(Plan, "starter").limits["api_calls"] == 20_000  # what the plans' pages show
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "plan.terms")).one()
    assert (entry.object_id, entry.before, entry.after["included"]) == ("starter:api_calls", None, "20000")
    assert holds("professional").included == 100_000
    listed = html.page(keeper.get(PAGE)).text
    assert "20,000 requests" in listed
    assert "and 2 tiers more" in listed
    fields = html.page(keeper.get(CALLS)).form(CALLS).fields()
    assert (fields["tier-usd-1-up_to"], fields["tier-usd-1-unit"], fields["tier-usd-1-flat"]) == ("5000", "0.0025", "3")


def test_a_preview_explains_and_saves_nothing(keeper, write):
    sent = {**BASE, **TIERS, "act": "preview", "quantities": "10000 11001, 15000.5"}
    page = html.page(keeper.send(CALLS, CALLS, **sent))
    preview = page.one(id="preview-usd").text
    assert "1,000 × $0.005 = $5.00" in preview
    assert "1 × $0.0025 + $3.00 = $3.0025" in preview
    assert "$8.00" in preview  # rounded once
    assert "15,000.5" in preview
    assert write.scalars(select(PlanResource)).all() == []
    fields = page.form(CALLS).fields()
    assert fields["tier-usd-2-unit"] == "0.001"  # what was entered stays


def test_packages_and_volume(keeper):
    sent = {**BASE, "package_size": "100", "tiers_mode": "volume", **tiers(("2", "7", ""), ("", "5", "1"))}
    keeper.send(CALLS, CALLS, **sent)
    now = holds()
    assert [now.price(Decimal(used), "usd").amount for used in (10_001, 10_200, 10_201)] == [700, 1400, 1600]
    assert "3 packages of 100" in html.page(keeper.send(CALLS, CALLS, **sent, act="preview", quantities="10201")).text


def test_without_end(keeper, write):
    keeper.send(CALLS, CALLS, **{**BASE, "unlimited": "1", "included": ""})
    assert holds().included is None
    assert "api_calls" not in write.get(Plan, "starter").limits
    assert "without end" in html.page(keeper.get(PAGE)).text
    keeper.send(CALLS, CALLS, **{**BASE, "limit_kind": "hard", "included": "0.5"})
    assert (holds().included, holds().limit_kind) == (Decimal("0.5"), "hard")
    assert "0.5" in keeper.get("/staff/terms").text


def test_a_resource_that_the_plan_did_not_have_and_taken_out_again(keeper, write):
    path = f"{PAGE}/starter/netbox_vms"
    assert holds(resource_type="netbox_vms") is None
    keeper.send(path, path, **{**BASE, "limit_kind": "hard", "included": "3"})
    assert holds(resource_type="netbox_vms").included == 3
    for _ in range(2):
        assert keeper.send(f"{path}/remove", path).status_code == 303
    assert holds(resource_type="netbox_vms") is None
    keeper.send(f"{CALLS}/remove", CALLS)  # what only the plan's limits say
    assert holds() is None
    assert "storage_gb" in write.get(Plan, "starter").limits
    found = write.scalars(select(AuditEntry.object_id).where(AuditEntry.verb == "plan.terms_removed")).all()
    assert sorted(found) == ["starter:api_calls", "starter:netbox_vms"]


def test_more_rows_and_another_currency_without_a_script(keeper):
    full = tiers(*[(str(number), "1", "") for number in range(1, 6)])
    page = html.page(keeper.send(CALLS, CALLS, **{**BASE, **full, "currency": "eur", "act": "more"}))
    fields = page.form(CALLS).fields()
    assert fields["tier-usd-4-unit"] == "1"
    assert "tier-usd-6-unit" in fields
    assert "tier-eur-1-unit" in fields
    sent = {**BASE, **TIERS, **tiers(("", "0.002", ""), currency="eur")}
    keeper.send(CALLS, CALLS, **sent)
    assert holds().price(Decimal(10_100), "eur").amount == 20
    wrong = html.page(keeper.send(CALLS, CALLS, **{**BASE, **TIERS, "currency": "XYZ", "act": "more"}))
    assert "Enter a currency's code" in wrong.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"included": "-1"}, "What is included is a quantity from 0 on"),
        ({"included": ""}, "Enter a number"),
        ({"included": "NaN"}, "Enter a number"),
        ({"included": "1e999999999"}, "Enter a number"),
        ({"included": "1234567890123456"}, "at most 15 digits"),
        ({"included": "0.0000000001"}, "at most 15 digits"),
        ({"package_size": "0"}, "A package holds more than 0"),
        ({"package_size": "much"}, "Enter a number"),
        ({"limit_kind": "elastic"}, "Not a valid choice"),
        ({"tiers_mode": "stairs"}, "Not a valid choice"),
        ({**tiers(("", "", ""), ("", "", ""), ("", "", ""))}, "Say what more costs in USD"),
        (tiers(("10", "1", ""), ("10", "1", ""), ("", "1", "")), "USD, row 2: a tier ends after the one before it"),
        (tiers(("10", "1", ""), ("5", "1", ""), ("", "1", "")), "USD, row 2: a tier ends after the one before it"),
        (tiers(("0", "1", ""), ("5", "1", ""), ("", "1", "")), "USD, row 1: a tier ends after the one before it"),
        (tiers(("", "1", ""), ("5", "1", ""), ("", "1", "")), "USD, row 1: only the last tier has no end"),
        (tiers(("1", "1", ""), ("5", "1", ""), ("9", "1", "")), "USD, row 3: the last tier has no end"),
        (tiers(("1", "-1", ""), ("5", "1", ""), ("", "1", "")), "USD, row 1: nothing here is below zero"),
        (tiers(("1", "1", "-1"), ("5", "1", ""), ("", "1", "")), "USD, row 1: nothing here is below zero"),
        (tiers(("1", "1", "1.005"), ("5", "1", ""), ("", "1", "")), "more digits than the currency"),
        (tiers(("1", "0." + "0" * 14 + "1", ""), ("5", "1", ""), ("", "1", "")), "USD, row 1: an end has at most 15"),
        (tiers(("1" * 16, "1", ""), ("5", "1", ""), ("", "1", "")), "USD, row 1: an end has at most 15"),
        (tiers(("1", "1e9", ""), ("5", "1", ""), ("", "1", "")), "USD, row 1: an end has at most 15"),
        (tiers(("1", "one", ""), ("5", "1", ""), ("", "1", "")), "Enter a number"),
        ({"quantities": "100 lots"}, "Enter a number"),
    ],
)
@pytest.mark.parametrize("act", ["save", "preview"])
def test_what_makes_no_terms(keeper, write, change, sentence, act):
    page = html.page(keeper.send(CALLS, CALLS, **{**BASE, **TIERS, **change, "act": act}), 422)
    assert sentence in page.text
    assert write.scalars(select(PlanResource)).all() == []


def test_there_is_an_end_to_tiers(keeper, write):
    rows = [(str(number), "1", "") for number in range(1, 60)]
    page = html.page(keeper.send(CALLS, CALLS, **{**BASE, **tiers(*rows)}), 422)
    assert "at most 50 tiers" in page.text


def test_what_nobody_has(keeper):
    for path in (f"{PAGE}/nope/api_calls", f"{PAGE}/starter/nope"):
        assert keeper.get(path).status_code == 404
        assert keeper.send(path, PAGE, **BASE, **TIERS).status_code == 404
    assert keeper.send(f"{PAGE}/nope/api_calls/remove", PAGE).status_code == 404


def test_others_only_look(app):
    looker = people.browser(app, people.staff("support"))
    page = html.page(looker.get(CALLS))
    assert "What a period would cost in USD" in page.text
    assert not {"Save", "Preview"} & {button.text for button in page.all("button")}


def test_the_database_asks_who_it_is(app):
    for person in (people.staff("support"), people.member()):
        with tenancy.bound(person.tenant_id or tenancy.PLATFORM, user_id=person.user_id):
            for statement in ("UPDATE plan_resources SET included = 9", "DELETE FROM plan_resources"):
                assert db.session.execute(text(statement)).rowcount == 0
            assert db.session.execute(text("UPDATE plans SET limits = '{}'")).rowcount == 0
            with pytest.raises(DBAPIError):
                db.session.execute(text("INSERT INTO plan_resources (plan_id, resource_type) VALUES ('free', 'users')"))
