"""A charge of usage, opened: its formula, its days, the events of a day."""

from sqlalchemy import select

from portal.ids import uuid7
from portal.models import UsageEvent
from tests.pages import rows
from tests.support import html, people


def charged(write, tenant_id, more=0):
    """Where the charge is, and the day of its events."""
    rows.subscription(write, tenant_id)
    charge = rows.usage_charge(write, tenant_id)
    first = write.scalars(select(UsageEvent).where(UsageEvent.tenant_id == tenant_id)).one()
    for number in range(more):
        event = UsageEvent(
            tenant_id=tenant_id, id=uuid7(), period_id=first.period_id, resource_type="api_calls", quantity=number,
            recorded_at=first.recorded_at, counted_at=first.counted_at, event_id=f"more-{number:03}", source="",
        )  # fmt: skip
        write.add(event)
    write.commit()
    return f"/usage/charges/{charge.id}", first.counted_at.date().isoformat()


def test_the_formula_and_the_days(browser, person, write):
    address, day = charged(write, person.tenant_id)
    page = html.page(browser.get(address))
    assert "12,345.5 − 10,000 = 2,345.5" in page.text
    assert "3 × $0.20" in page.text
    assert "= $0.60" in page.text
    assert [link["href"] for link in page.all("a") if "day=" in (link.get("href") or "")] == [f"{address}?day={day}"]


def test_the_events_of_a_day_a_page_at_a_time(browser, person, write, fragment):
    address, day = charged(write, person.tenant_id, more=120)
    seen, following = [], f"{address}?day={day}"
    while following:
        page = html.page(browser.get(following))
        seen += [code.text for code in page.all("code") if code.text]
        links = [link["href"] for link in page.all("a") if "after=" in (link.get("href") or "")]
        following = links[0] if links else ""
    assert sorted(seen) == sorted(["evt-1", *(f"more-{number:03}" for number in range(120))])
    assert "<html" not in fragment(f"{address}?day={day}")


def test_a_day_without_events(browser, person, write):
    address, _ = charged(write, person.tenant_id)
    assert "No events" in html.page(browser.get(f"{address}?day=2020-01-01")).text
    assert browser.get(f"{address}?day=rubbish&after=rubbish").status_code == 200


def test_another_tenants_charge_is_not_there(app, person, write):
    address, _ = charged(write, person.tenant_id)
    assert people.browser(app, people.member()).get(address).status_code == 404


def test_an_invoices_line_opens_into_it(browser, person, write):
    address, _ = charged(write, person.tenant_id)
    charge_id = address.rsplit("/", 1)[1]
    invoice = rows.invoice(write, person.tenant_id, "U-1")
    line = invoice.lines[0]
    usage = {
        "charge_id": charge_id, "resource_type": "api_calls", "quantity": "12345.5", "included": "10000",
        "beyond": "2345.5", "units": "3", "parts": [["0", "3", "20", 0]], "before_minor": 0,
    }  # fmt: skip
    kept = {"kind": "usage", "unit": "60", "quantity": "1", "seconds": 0, "of_seconds": 0, "gross_minor": 60,
            "discounts_minor": [], "usage": usage}  # fmt: skip
    line.inputs = {**line.inputs, "explanation": kept}
    write.commit()
    page = html.page(browser.get(f"/invoices/{invoice.id}"))
    assert address in [link.get("href") for link in page.all("a")]
    assert "12,345.5 − 10,000 = 2,345.5" in page.text
