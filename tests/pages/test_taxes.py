"""How taxes are decided is staff's to say; a tenant's exemption, too."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, NoResultFound

from portal import tenancy
from portal.billing import tax_settings
from portal.extensions import db
from portal.models import AuditEntry, Installation, OutboxRow, TaxExemption, TaxRate
from tests.pages import tax_rows
from tests.support import html, people

PAGE = "/staff/taxes"
RATE = {"country": "ES", "customers": "all", "name": "IVA", "percentage": "21"}


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


def rates(write):
    write.rollback()
    found = write.scalars(select(TaxRate).order_by(TaxRate.created_at))
    return [(row.country, row.customers, str(row.percentage), row.retired_at is None) for row in found]


def test_a_rate_is_entered_and_ended(keeper, write):
    assert keeper.send(f"{PAGE}/rates", PAGE, **RATE).status_code == 303
    assert rates(write) == [("ES", "all", "21.0000", True)]
    row = write.scalars(select(TaxRate)).one()
    assert row.stripe_tax_rate_id.startswith("txr_")
    page = html.page(keeper.get(PAGE))
    assert "Spain" in page.text
    assert "IVA 21%" in page.text
    again = keeper.send(f"{PAGE}/rates", PAGE, **RATE)
    assert "End that one first." in html.page(again, 409).one(id="country-error").text
    assert (
        keeper.send(f"{PAGE}/rates", PAGE, **{**RATE, "customers": "with_tax_id", "percentage": "0"}).status_code == 303
    )
    keeper.send(f"{PAGE}/rates/end", PAGE, country="ES", customers="all")
    assert [each[3] for each in rates(write)] == [False, True]
    keeper.send(f"{PAGE}/rates/end", PAGE, country="ES", customers="all")  # twice is once
    verbs = write.scalars(select(AuditEntry.verb).where(AuditEntry.tenant_id == tenancy.PLATFORM)).all()
    assert (verbs.count("tax.rate.add"), verbs.count("tax.rate.retire")) == (2, 1)
    assert len(write.scalars(select(OutboxRow).where(OutboxRow.kind == "tax.spread")).all()) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"percentage": "101"}, "percentage"),
        ({"percentage": "-1"}, "percentage"),
        ({"percentage": "NaN"}, "percentage"),
        ({"percentage": "21.00001"}, "percentage"),
        ({"percentage": ""}, "percentage"),
        ({"percentage": "a"}, "percentage"),
        ({"name": " "}, "name"),
        ({"name": "x" * 51}, "name"),
        ({"country": "XX"}, "country"),
        ({"customers": "some"}, "customers"),
    ],
)
def test_a_bad_rate_is_refused(keeper, write, changes, field):
    answer = keeper.send(f"{PAGE}/rates", PAGE, **{**RATE, **changes})
    assert html.page(answer, 422).one(id=f"{field}-error").text
    assert rates(write) == []


def test_the_mode_is_chosen(keeper, write):
    assert keeper.send(PAGE, PAGE, mode="rates", eu_rules="1").status_code == 303
    write.rollback()
    assert write.scalars(select(Installation.tax)).one() == {"mode": "rates", "eu_rules": True, "version": 1}
    assert "The issuer has no country yet." in html.page(keeper.get(PAGE)).text
    keeper.send(PAGE, PAGE, mode="rates", eu_rules="1")  # the same again is no change
    assert keeper.send(PAGE, PAGE, mode="maybe").status_code == 422
    write.rollback()
    assert write.scalars(select(Installation.tax["version"].as_integer())).one() == 1


def test_a_tenant_is_exempted_and_taxed_again(keeper, write, person):
    tax_rows.rate(write)
    tax_rows.decided(write)
    write.commit()
    page = f"/staff/tenants/{person.tenant_id}/tax"
    assert "IVA 21% (Spain) is added" in html.page(keeper.get(page)).text
    assert keeper.send(f"{page}/exemption", page, reason="no").status_code == 422
    assert keeper.send(f"{page}/exemption", page, reason="Certificate 17/2026").status_code == 303
    keeper.send(f"{page}/exemption", page, reason="Certificate 18/2026")  # the first one stays
    shown = html.page(keeper.get(page)).text
    assert "Certificate 17/2026" in shown
    assert "exempt" in shown
    keeper.send(f"{page}/exemption/end", page)
    write.rollback()
    row = write.scalars(select(TaxExemption)).one()
    assert row.ended_at is not None
    entries = write.scalars(select(AuditEntry).where(AuditEntry.tenant_id == person.tenant_id)).all()
    assert {(entry.verb, entry.actor_kind) for entry in entries} >= {
        ("tax.exempt", "staff"),
        ("tax.exempt.end", "staff"),
    }
    assert "IVA 21% (Spain) is added" in html.page(keeper.get(page)).text


def test_who_may_not_only_looks(app, person):
    support = people.browser(app, people.staff("support"))
    for page in (PAGE, f"/staff/tenants/{person.tenant_id}/tax"):
        assert not html.page(support.get(page)).one("main").all("button", class_="btn-primary")
    assert support.send(f"{PAGE}/rates", "/account", **RATE).status_code == 403


def test_the_database_refuses_whoever_is_no_keeper(app, person):
    with pytest.raises(NoResultFound):  # it may not lock the row
        tax_settings.set_mode("rates", eu_rules=True, actor=person.user_id)
    with tenancy.bound(person.tenant_id, user_id=person.user_id), pytest.raises(DBAPIError):
        tax_rows.exemption(db.session, person.tenant_id)


def test_a_tenant_that_is_not_there(keeper):
    assert keeper.get("/staff/tenants/01a20cb2-5c47-7753-900e-f2f108a395ca/tax").status_code == 404


def test_prices_say_which_tax_comes_on_top(browser, write, person):
    tax_rows.rate(write)
    tax_rows.decided(write)
    write.execute(text("UPDATE billing_details SET country = 'ES'"))
    write.commit()
    assert "plus IVA 21%" in html.page(browser.get("/plans")).text
