"""A charge of usage, opened: its formula, its days, the events of a day."""

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import make_transient

from portal import tenancy
from portal.ids import uuid7
from portal.models import Tenant, UsageCharge, UsageEvent, UsagePeriod
from portal.usage import evidence
from tests.pages import rows
from tests.support import html, people
from tests.support.statements import nodes, plan
from tests.support.statements import with_parameters as statements_of

_MANY = text("""
    INSERT INTO usage_events (tenant_id, recorded_at, id, period_id, resource_type, quantity, counted_at)
    SELECT :tenant, :at, gen_random_uuid(), :period, 'api_calls', 1, :at + interval '1 minute' * n
    FROM generate_series(-15000, 15000) AS n""")


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


def test_what_was_reported_after_it_is_another_charge(browser, person, write):
    address, _ = charged(write, person.tenant_id)
    first = write.scalars(select(UsageCharge)).one()
    period = write.get_one(UsagePeriod, (person.tenant_id, first.period_id))
    period.late_at = rows.NOW
    write.commit()
    assert "comes with the next invoice" in html.page(browser.get(address)).text
    write.expunge(first)
    make_transient(first)
    first.id, first.number = uuid7(), 2
    write.add(first)
    write.commit()
    page = html.page(browser.get(address))
    assert "comes with the next invoice" not in page.text
    (link,) = [link for link in page.all("a") if link.text == "Open the later charge"]
    assert link["href"] == f"/usage/charges/{first.id}"
    assert "reported after the charge before it" in html.page(browser.get(link["href"])).text


def test_a_day_without_events(browser, person, write):
    address, _ = charged(write, person.tenant_id)
    assert "No events" in html.page(browser.get(f"{address}?day=2020-01-01")).text
    assert browser.get(f"{address}?day=rubbish&after=rubbish").status_code == 200


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_at_the_calendars_end_is_not_found(browser, person, write, day):
    write.execute(update(Tenant).where(Tenant.id == person.tenant_id).values(timezone="Asia/Kolkata"))
    address, _ = charged(write, person.tenant_id)
    write.execute(update(UsagePeriod).where(UsagePeriod.tenant_id == person.tenant_id).values(timezone="Asia/Kolkata"))
    write.commit()
    assert browser.get(f"{address}?day={day}").status_code == 404


def test_a_day_is_found_in_the_index_among_many_events(app, person, write):
    """The days before and after it are not read, nor thrown away by a filter."""
    rows.subscription(write, person.tenant_id)
    charge = rows.usage_charge(write, person.tenant_id)
    first = write.scalars(select(UsageEvent).where(UsageEvent.tenant_id == person.tenant_id)).one()
    write.commit()
    write.execute(_MANY, {"tenant": person.tenant_id, "at": first.counted_at, "period": first.period_id})
    write.commit()
    write.execute(text("ANALYZE usage_events"))
    write.commit()
    with tenancy.bound(person.tenant_id):
        charged_one = evidence.of_charge(charge.id)
        statements = statements_of(lambda: evidence.events(charged_one, first.counted_at.date()))
        [plans] = [plan(*each) for each in statements if "usage_events.quantity" in each[0]]
    scans = [node for node in nodes(plans) if "Index Cond" in node]
    assert scans
    for node in scans:
        assert "counted_at >= " in node["Index Cond"]
        assert "counted_at < " in node["Index Cond"]
    assert not [node for node in nodes(plans) if "counted_at" in node.get("Filter", "")]


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
