"""The plans side by side: prices of both intervals, what may be chosen, by whom."""

import pytest
from sqlalchemy.orm import Session

from tests.pages import rows
from tests.support import html
from tests.support.html import Element
from tests.support.people import Browser, Person


def _choices(page: Element) -> list[str]:
    return [form.fields()["plan_id"] for form in page.all("form", action="/checkout")]


def test_four_plans_are_offered_with_their_monthly_prices(browser: Browser) -> None:
    page = html.page(browser.get("/plans"))
    assert [name.text for name in page.all(class_="plan-name")] == ["Free", "Starter", "Professional", "Enterprise"]
    assert [price.text for price in page.all(class_="plan-amount")] == ["$0.00", "$29.00", "$99.00", "$299.00"]
    assert _choices(page) == ["free", "starter", "professional", "enterprise"]
    starter = page.all("form", action="/checkout")[1].fields()
    assert (starter["plan_id"], starter["interval"]) == ("starter", "month")
    assert set(starter) == {"plan_id", "interval", "csrf_token"}


def test_the_year_is_a_link_that_needs_no_script(browser: Browser) -> None:
    switch = html.page(browser.get("/plans")).one("nav", class_="segments")
    page = html.page(browser.get(switch.all("a")[1]["href"]))
    assert [price.text for price in page.all(class_="plan-amount")] == ["$0.00", "$290.00", "$990.00", "$2,990.00"]
    assert "Saves $58.00 against monthly" in page.text
    assert "save up to 16%" in page.text
    assert page.all("form", action="/checkout")[1].fields()["interval"] == "year"


def test_the_table_reads_each_limit_across_the_plans(browser: Browser) -> None:
    table = html.page(browser.get("/plans")).one("table")
    rows_by_name = {
        row.all("th")[0].text: [cell.text for cell in row.all("td")] for row in table.one("tbody").all("tr")
    }
    assert rows_by_name["API calls per month"] == ["1,000", "10,000", "100,000", "1,000,000"]
    assert rows_by_name["Storage (GB)"] == ["5", "50", "250", "1,000"]


@pytest.mark.parametrize("interval", ["week", "", "month'--"])
def test_an_unknown_interval_shows_the_months(browser: Browser, interval: str) -> None:
    page = html.page(browser.get("/plans", query_string={"interval": interval}))
    assert page.all(class_="plan-amount")[1].text == "$29.00"


def test_the_current_plan_is_marked_and_a_paid_one_is_not_left_here(
    browser: Browser, person: Person, write: Session
) -> None:
    rows.subscription(write, person.tenant_id, "starter", "year")
    write.commit()
    page = html.page(browser.get("/plans"))
    assert page.one(class_="plan-current").one(class_="plan-name").text == "Starter"
    assert "Current plan" in page.one(class_="plan-current").text
    assert page.all(class_="plan-amount")[1].text == "$290.00", "opens on the interval that is paid"
    assert _choices(page) == []


def test_a_free_plan_can_be_left_for_a_paid_one(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id, "free")
    write.commit()
    assert _choices(html.page(browser.get("/plans"))) == ["starter", "professional", "enterprise"]
