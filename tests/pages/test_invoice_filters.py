"""Which invoices the list and its file show, by what stands in the address."""

import csv
import io
from datetime import UTC, datetime

import pytest

from tests.pages import rows
from tests.support import html


@pytest.fixture(name="listed")
def fixture_listed(browser, person, write):
    """Five of one tenant, and one of another."""
    tenant = person.tenant_id
    at = datetime(2026, 3, 15, 12, tzinfo=UTC)
    rows.invoice(write, tenant, "A-1", age_days=9, issued_at=at, total_minor=1000)
    rows.invoice(write, tenant, "A-2", age_days=8, status="void", issued_at=at.replace(month=4), total_minor=2000)
    rows.overdue(write, tenant, "B-3")
    rows.invoice(write, tenant, "B_4", age_days=6, currency="jpy", total_minor=50)
    rows.invoice(write, tenant, "=B-5", age_days=5, total_minor=5000)
    write.commit()
    return browser


def numbers(browser, query: str) -> set[str]:
    page = html.page(browser.get(f"/invoices?{query}"))
    return {link.text.split()[0] for link in page.all("a", class_="row-link")}


ALL = {"A-1", "A-2", "B-3", "B_4", "=B-5"}


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ALL),
        ("status=overdue", {"B-3"}),
        ("status=void", {"A-2"}),
        ("number=a-", {"A-1", "A-2"}),
        ("number=b_", {"B_4"}),
        ("number=%25", set()),
        ("from=2026-03-15&to=2026-03-15", {"A-1"}),
        ("from=2026-03-16&to=2026-04-30", {"A-2"}),
        ("min=50&max=50", {"B_4", "=B-5"}),
        ("min=10&max=20", {"A-1", "A-2"}),
        ("status=void&number=A-1", set()),
        ("status=nonsense&min=much&from=yesterday", ALL),
        ("min=NaN&max=Infinity&number=%00", ALL),
    ],
)
def test_an_address_says_which(listed, query, shown):
    assert numbers(listed, query) == shown


def test_what_makes_no_sense_is_said(listed):
    page = html.page(listed.get("/invoices?min=much&from=yesterday")).text
    assert "Please check this." in page
    assert "Enter an amount" in html.page(listed.get("/invoices?max=1e999")).text


def test_nothing_fits(listed):
    page = html.page(listed.get("/invoices?number=zzz"))
    assert "No invoice fits." in page.text
    assert page.one("input", id="number")["value"] == "zzz"


def test_the_next_page_keeps_the_filters(browser, person, write):
    for number in range(60):
        rows.invoice(write, person.tenant_id, f"N-{number}", age_days=number)
    rows.invoice(write, person.tenant_id, "X-1", age_days=70)
    write.commit()
    page = html.page(browser.get("/invoices?number=n-"))
    more = next(link["href"] for link in page.all("a") if "after=" in link.get("href", ""))
    assert "number=n-" in more
    rest = html.page(browser.get(more))
    assert len(page.all("a", class_="row-link")) + len(rest.all("a", class_="row-link")) == 60


def test_what_is_overdue_is_added_up(listed):
    page = html.page(listed.get("/invoices")).text
    assert "1 invoice is overdue" in page


def test_the_file_has_what_the_list_shows(listed):
    answer = listed.get("/invoices/export.csv?status=paid")
    assert answer.mimetype == "text/csv"
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["number"] for line in lines] == ["'=B-5", "B_4", "A-1"]
    yen = lines[1]
    assert (yen["currency"], yen["total"]) == ("jpy", "50")
    assert lines[2]["total"] == "10.00"
    assert lines[2]["issued_utc"] == "2026-03-15T12:00:00Z"
    assert len(list(csv.reader(io.StringIO(listed.get("/invoices/export.csv").text)))) == len(ALL) + 1
