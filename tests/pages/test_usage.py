"""The usage page: where the tenant stands, by day, hour and source; what it will come to and what it costs."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pypdf
import pytest
from apiflask import APIFlask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import tenancy
from portal.invoicing.pdf import PdfProcess
from portal.models import Plan, Tenant, UsagePeriod
from portal.usage import look
from tests.pages import rows, usage_rows
from tests.support import html, people
from tests.support.html import Element
from tests.support.people import Browser, Person
from tests.support.statements import asked


@pytest.fixture(name="used")
def fixture_used(write: Session, person: Person) -> tuple[UsagePeriod, UsagePeriod]:
    """Starter, soft on calls, and forty days of usage: 100 and 50 calls a day, storage that grows to 60 GB."""
    rows.subscription(write, person.tenant_id)
    usage_rows.terms(write, "starter", "api_calls", included=Decimal(1000))
    periods = usage_rows.two_periods(write, person.tenant_id)
    usage_rows.month(person.tenant_id)
    return periods


def tiles(page: Element) -> dict[str, str]:
    return {tile.one(class_="usage-name").text: tile.text for tile in page.all("a", class_="usage-tile")}


def test_somebody_new_is_told_how_it_begins(browser: Browser) -> None:
    page = html.page(browser.get("/usage"))
    assert "No usage was reported yet." in page.text
    assert "/api/v1/uso" in page.one("pre", class_="command").text
    assert [link["href"] for link in page.one("main").all("a", class_="btn")] == ["/plans", "/api-keys"]


def test_a_plan_without_usage_shows_what_it_grants(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id)
    write.commit()
    page = html.page(browser.get("/usage"))
    assert "of 10,000 included · 0%" in tiles(page)["API calls"]
    assert "curl -X POST" in page.text


@pytest.mark.usefixtures("used")
def test_the_first_look_says_how_much_of_how_much_and_what_it_costs(browser: Browser) -> None:
    page = html.page(browser.get("/usage"))
    # Ten whole days and the minutes of today: eleven reports a source, of which the oldest lies just before the period.
    used = int(page.one(class_="big-number").text.replace(",", ""))
    assert used in (1500, 1650)
    assert "of 1,000 included" in page.one(class_="big-note").text
    callout = page.one("main").one(class_="callout")
    assert f"{used - 1000:,} beyond what is included." in callout.text
    assert f"${(used - 1000) / 200:.2f} so far" in callout.text
    assert "Over what is included" in page.text
    assert "about" in page.one(class_="usage-outlook").text
    assert "standard deviation" in page.one("details", class_="computed").text


@pytest.mark.usefixtures("used")
def test_a_chart_says_the_same_as_its_table(browser: Browser) -> None:
    page = html.page(browser.get("/usage"))
    plot = page.one("svg", class_="chart-plot")
    named = [page.one(id=each).text for each in plot["aria-labelledby"].split()]
    assert named[0] == "API calls by day"
    assert "the highest" in named[1]
    table = page.one("details", class_="chart-table")
    bars = [bar.text for bar in plot.all("rect")]
    cells = [row.all("td")[0].text for row in table.one("tbody").all("tr")]
    assert [words.split(": ")[1] for words in bars] == cells
    assert not plot.all(style=True)


@pytest.mark.usefixtures("used")
def test_the_running_total_meets_the_limit_and_the_forecast(browser: Browser) -> None:
    page = html.page(browser.get("/usage?resource=api_calls&view=total"))
    plot = page.one("svg", class_="chart-plot")
    assert plot.all("line", class_="chart-limit")
    assert plot.all("line", class_="chart-bracket")
    assert "Included: 1,000" in page.one("figcaption").text
    assert "Forecast with its range" in page.one("figcaption").text
    by_day = html.page(browser.get("/usage?resource=api_calls")).one("svg", class_="chart-plot")
    assert not by_day.all("line", class_="chart-limit"), "the limit is of the period, not of a day"


def test_a_hard_limit_that_is_reached_refuses_until_when(
    browser: Browser, write: Session, used: tuple[UsagePeriod, UsagePeriod]
) -> None:
    page = html.page(browser.get("/usage?resource=storage_gb"))
    assert page.one(class_="big-number").text == "60 GB"
    callout = page.one("main").one(class_="callout")
    assert "The limit is reached." in callout.text
    assert callout.one("time")["datetime"] == used[1].ends_at.isoformat()
    assert callout.one("a")["href"] == "/plans"


def test_near_a_limit_says_what_is_left(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id)
    usage_rows.two_periods(write, person.tenant_id)
    usage_rows.report(person.tenant_id, "storage_gb", Decimal("40.5"), rows.NOW)
    page = html.page(browser.get("/usage"))
    assert "Near the limit" in tiles(page)["Storage"]
    assert "9.5 GB left in this period." in page.one("main").one(class_="callout").text
    assert "is refused until the next period begins" in page.text
    assert "between 40.5 GB and 81 GB" in page.one(class_="usage-outlook").text


def test_the_last_period_is_a_link_and_its_figures_are_its_own(
    browser: Browser, used: tuple[UsagePeriod, UsagePeriod]
) -> None:
    page = html.page(browser.get("/usage?resource=api_calls"))
    link = page.one("header", class_="page-header").all("a", class_="segment")[1]["href"]
    assert str(used[0].id) in link
    last = html.page(browser.get(link))
    quantity = int(last.one(class_="big-number").text.replace(",", ""))
    assert quantity + int(page.one(class_="big-number").text.replace(",", "")) == 40 * 150
    assert "Expected" not in last.text
    assert not last.one("main").all(class_="callout")


@pytest.mark.usefixtures("used")
def test_a_day_opens_into_hours_and_a_source_into_its_own_days(browser: Browser) -> None:
    day = (rows.NOW - timedelta(days=3, minutes=1)).date().isoformat()
    page = html.page(browser.get(f"/usage?resource=api_calls&day={day}"))
    assert page.one("option", value=day).get("selected") is not None
    hours = page.one(id="hours")
    assert sum(int(row.all("td")[0].text) for row in hours.one("tbody").all("tr")) == 150
    assert [row.all("td")[0].text for row in page.one(id="sources").one("tbody").all("tr")] == ["100", "50"]
    batch = html.page(browser.get(f"/usage?resource=api_calls&day={day}&source=batch"))
    assert sum(int(row.all("td")[0].text) for row in batch.one(id="hours").one("tbody").all("tr")) == 50
    assert all("200" not in bar.text for bar in batch.all("rect", class_="chart-bar"))


def test_a_level_is_carried_on_over_days_without_a_report(browser: Browser, person: Person, write: Session) -> None:
    usage_rows.two_periods(write, person.tenant_id)
    for age, quantity in ((6, 4), (2, 7)):
        usage_rows.report(person.tenant_id, "storage_gb", quantity, rows.NOW - timedelta(days=age))
    page = html.page(browser.get("/usage?resource=storage_gb"))
    cells = [row.all("td")[0].text for row in page.one("details", class_="chart-table").one("tbody").all("tr")]
    assert cells[:4] == ["4 GB"] * 4
    assert set(cells[4:]) == {"7 GB"}
    assert "not reported: as before" in page.text
    assert "Not reported: as before" in page.one("figcaption").text


@pytest.mark.usefixtures("used")
def test_the_last_period_is_priced_on_each_plan(browser: Browser) -> None:
    table = html.page(browser.get("/usage")).one(id="plans-compared").one("tbody")
    found = {row.one("th").text.split(" ")[0]: row for row in table.all("tr")}
    assert list(found) == ["Free", "Starter", "Professional", "Enterprise"]
    assert "Would have refused: API calls" in found["Free"].text
    beyond = found["Starter"].all("td")[1].text
    assert beyond in ("$16.75", "$17.50")  # 4350 or 4500 calls, of which 1000 are included, at half a cent
    assert "Current plan" in found["Starter"].text
    assert "Lowest that is enough" in found["Starter"].text


@pytest.mark.parametrize("cut", ["split", "short"])
def test_a_part_of_a_month_is_not_priced_as_a_month(
    browser: Browser, person: Person, write: Session, used: tuple[UsagePeriod, UsagePeriod], cut: str
) -> None:
    """Two days of a period that was split or cut: the last whole month before them is priced, and named."""
    whole = used[0]
    begun, ended = whole.starts_at, whole.ends_at - timedelta(days=2)
    write.execute(update(UsagePeriod).where(UsagePeriod.id == whole.id).values(ends_at=ended))
    month_seconds = 30 * 86_400 if cut == "split" else None
    span = {"ends_at": ended + timedelta(days=2), "whole_seconds": month_seconds}
    part = usage_rows.period(write, person.tenant_id, ended, **span)
    write.commit()
    title = html.page(browser.get("/usage")).one(id="plans-compared").one("h2").text
    assert f"{begun.day}" in title
    assert f"{(ended - timedelta(seconds=1)).day}" in title
    assert not html.page(browser.get(f"/usage?period={part.id}")).all(id="plans-compared")
    assert html.page(browser.get(f"/usage?period={whole.id}")).all(id="plans-compared")
    write.execute(update(UsagePeriod).where(UsagePeriod.id == whole.id).values(whole_seconds=30 * 86_400))
    write.commit()
    assert not html.page(browser.get("/usage")).all(id="plans-compared"), "no whole month was used"


@pytest.mark.parametrize(
    "query",
    [
        "resource=nothing", "period=x", "period=01890000-0000-7000-8000-000000000000", "day=yesterday",
        "day=2020-01-01", "day=9999-12-31", "resource=' OR 1=1 --", "resource=%00",
        "resource=api_calls&source=%00", "source=a%00b",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("used")
def test_what_cannot_be_looked_at_is_not_found(browser: Browser, query: str) -> None:
    for path in ("/usage", "/usage/export.csv"):
        assert browser.get(f"{path}?{query}").status_code == 404, path


@pytest.mark.usefixtures("used")
def test_unknown_views_and_sources_are_harmless(browser: Browser) -> None:
    assert html.page(browser.get("/usage?view=pie")).one("h1").text == "Usage"
    page = html.page(browser.get("/usage?resource=api_calls&source=<b>nobody</b>"))
    assert page.one("option", value="<b>nobody</b>").get("selected") is not None


def test_another_tenants_period_is_not_there(browser: Browser, write: Session) -> None:
    stranger = people.tenant()
    foreign = usage_rows.two_periods(write, stranger)[0]
    usage_rows.report(stranger, "api_calls", 5, rows.NOW - timedelta(days=20))
    assert browser.get(f"/usage?period={foreign.id}").status_code == 404
    assert browser.get(f"/usage/export.csv?period={foreign.id}").status_code == 404


def test_a_fragment_is_the_page_without_its_frame(fragment: Callable[[str], str]) -> None:
    text = fragment("/usage")
    assert text.lstrip().startswith('<div id="usage">')
    assert "<html" not in text


def download(browser: Browser, path: str) -> tuple[str, list[dict[str, str]]]:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/csv")
    return answer.headers["Content-Disposition"], list(csv.DictReader(io.StringIO(answer.text)))


def test_the_file_has_exact_decimals_and_both_days(
    app: APIFlask, browser: Browser, person: Person, write: Session
) -> None:
    usage_rows.two_periods(write, person.tenant_id)
    at = (rows.NOW - timedelta(days=2)).replace(hour=12, minute=5)
    usage_rows.report_many(
        person.tenant_id,
        [
            ("api_calls", Decimal("0.000000001"), at, "=cmd|' /C calc'!A0"),
            ("api_calls", Decimal("123456.789"), at, "b"),
        ],
    )
    name, found = download(browser, "/usage/export.csv?resource=api_calls")
    assert "-api_calls-" in name
    assert found == [
        {
            "start_utc": f"{at:%Y-%m-%d}T00:00:00Z", "local_day": f"{at:%Y-%m-%d}", "resource_type": "api_calls",
            "source": source, "quantity": quantity, "unit": "requests", "events": "1",
        }
        for source, quantity in (("'=cmd|' /C calc'!A0", "0.000000001"), ("b", "123456.789"))
    ]  # fmt: skip
    name, found = download(browser, f"/usage/export.csv?resource=api_calls&source=b&day={at:%Y-%m-%d}")
    assert name.endswith(f"-api_calls-b-{at:%Y-%m-%d}.csv")
    assert [(row["start_utc"], row["quantity"]) for row in found] == [(f"{at:%Y-%m-%d}T12:00:00Z", "123456.789")]


def test_days_are_the_tenants_own(browser: Browser, person: Person, write: Session) -> None:
    """Half past ten in the evening in UTC is the next day in Madrid, and the day begins at 22 or 23 o'clock."""
    write.get_one(Tenant, person.tenant_id).timezone = "Europe/Madrid"
    usage_rows.two_periods(write, person.tenant_id)
    at = (rows.NOW - timedelta(days=3)).replace(hour=23, minute=30)
    usage_rows.report(person.tenant_id, "api_calls", 1, at)
    _, found = download(browser, "/usage/export.csv?resource=api_calls")
    assert [row["local_day"] for row in found] == [f"{at + timedelta(days=1):%Y-%m-%d}"]
    page = html.page(browser.get(f"/usage?resource=api_calls&day={found[0]['local_day']}"))
    assert len(page.one(id="hours").one("tbody").all("tr")) in (23, 24, 25)
    assert "Days of the time zone Europe/Madrid." in page.text


def test_periods_that_are_over_stay_selectable(
    browser: Browser, used: tuple[UsagePeriod, UsagePeriod], write: Session
) -> None:
    row = write.scalars(select(UsagePeriod).where(UsagePeriod.id == used[0].id)).one()
    row.closed_at = rows.NOW
    write.commit()
    assert browser.get(f"/usage?period={row.id}").status_code == 200


@pytest.mark.usefixtures("used")
def test_the_overview_and_the_plans_show_it_beside_what_is_granted(browser: Browser) -> None:
    overview = html.page(browser.get("/")).one(id="usage-now")
    assert list(tiles(overview)) == ["API calls", "Storage"]
    assert "Limit reached" in tiles(overview)["Storage"]
    assert overview.all("a", class_="usage-tile")[1]["href"] == "/usage?resource=storage_gb"
    beside = [span.text for span in html.page(browser.get("/plans")).all("span", class_="usage-beside")]
    calls, storage = beside[::2], beside[1::2]
    assert calls == ["You used 1,500: more than that", *["You used 1,500"] * 3]
    said = "You used 60 GB"
    assert storage == [*[f"{said}: more than that"] * 2, *[said] * 2]


def test_the_report_is_a_document_with_every_resource(
    app: APIFlask, browser: Browser, used: tuple[UsagePeriod, UsagePeriod], renderer: PdfProcess, pdf: None
) -> None:
    app.extensions["pdf_process"] = renderer
    answer = browser.get(f"/usage/report.pdf?period={used[0].id}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(".pdf")
    pages = pypdf.PdfReader(io.BytesIO(answer.data)).pages
    text = " ".join(page.extract_text() for page in pages)
    for word in ("API calls by day", "Storage by day", "4,500", "50\N{NO-BREAK SPACE}GB", "Page 1 of"):
        assert word in text


def test_there_is_no_report_of_nothing(browser: Browser) -> None:
    assert browser.get("/usage/report.pdf").status_code == 404
    assert browser.get("/usage/export.csv").status_code == 404


def test_the_page_asks_as_much_for_many_events_as_for_few(
    browser: Browser, person: Person, used: tuple[UsagePeriod, UsagePeriod]
) -> None:
    path = "/usage?resource=api_calls"
    few = len(asked(lambda: browser.get(path)))
    usage_rows.report_many(person.tenant_id, [("api_calls", 1, rows.NOW, f"s{number % 40}") for number in range(500)])
    statements = asked(lambda: browser.get(path))
    assert len(statements) == few <= 20, statements
    assert not [each for each in statements if "usage_events" in each]
    page = html.page(browser.get(path))
    assert "These are the largest; the CSV has all of them." in page.text


def outlook(page: Element) -> dict[str, str]:
    return {row.one("dt").text: row.one("dd").text for row in page.one(class_="usage-outlook").all("div")}


def test_a_forecast_begins_with_the_first_report(browser: Browser, person: Person, write: Session) -> None:
    """Ten days of the period are over: whoever began a minute ago did not use nothing in them."""
    usage_rows.two_periods(write, person.tenant_id)
    usage_rows.report(person.tenant_id, "api_calls", 12, rows.NOW - timedelta(minutes=1))
    page = html.page(browser.get("/usage?resource=api_calls"))
    said = outlook(page)["Expected at the end of the period"]
    # A day's worth for each of the twenty days that are left; a long run of tests takes a little of them.
    assert 245 <= int(said.split(" ")[1]) <= 252, said
    assert "between 12 and" in said
    assert "the range is wide" in page.one("details", class_="computed").text
    assert page.one("svg", class_="chart-plot")


def test_who_began_in_the_middle_is_not_foretold_from_the_days_before(
    browser: Browser, person: Person, write: Session
) -> None:
    usage_rows.two_periods(write, person.tenant_id)
    whole = rows.NOW.replace(hour=0, minute=0, second=0) - timedelta(days=4)
    usage_rows.report_many(
        person.tenant_id, [("api_calls", 100, whole + timedelta(days=day, hours=1), "") for day in range(4)]
    )
    said = outlook(html.page(browser.get("/usage?resource=api_calls")))["Expected at the end of the period"]
    assert 2300 <= int(said.split(" ")[1].replace(",", "")) <= 2600, said  # 400, and 100 a day for 20 days


def test_quiet_days_of_who_reported_before_count(browser: Browser, person: Person, write: Session) -> None:
    usage_rows.two_periods(write, person.tenant_id)
    whole = rows.NOW.replace(hour=0, minute=0, second=0)
    for age in (15, 2):
        usage_rows.report(person.tenant_id, "api_calls", 100, whole - timedelta(days=age) + timedelta(hours=1))
    said = outlook(html.page(browser.get("/usage?resource=api_calls")))["Expected at the end of the period"]
    assert int(said.split(" ")[1].replace(",", "")) < 600, said


def test_what_was_not_reported_is_not_foretold(browser: Browser, person: Person, write: Session) -> None:
    rows.subscription(write, person.tenant_id)
    usage_rows.two_periods(write, person.tenant_id)
    usage_rows.report(person.tenant_id, "api_calls", 12, rows.NOW)
    said = outlook(html.page(browser.get("/usage?resource=storage_gb")))
    assert "begins with the first report" in said["At the end of the period"]


def test_a_level_stands_where_it_stood_before_the_day_and_the_period(
    browser: Browser, person: Person, write: Session
) -> None:
    usage_rows.two_periods(write, person.tenant_id)
    noon = rows.NOW.replace(hour=12, minute=30, second=0)
    for age, quantity, source in ((20, 30, "a"), (19, 40, "b"), (4, 7, "a"), (4, 5, "a")):
        at = noon - timedelta(days=age) - timedelta(minutes=quantity)
        usage_rows.report(person.tenant_id, "storage_gb", quantity, at, source)
    page = html.page(browser.get("/usage?resource=storage_gb"))
    cells = [row.all("td")[0].text for row in page.one("details", class_="chart-table").one("tbody").all("tr")]
    assert cells[:6] == ["40 GB"] * 6
    assert set(cells[7:]) == {"5 GB"}
    source = html.page(browser.get("/usage?resource=storage_gb&source=a"))
    assert source.one("details", class_="chart-table").one("tbody").all("tr")[0].all("td")[0].text == "30 GB"

    def hours(age: int) -> list[str]:
        day = (noon - timedelta(days=age)).date().isoformat()
        hours = html.page(browser.get(f"/usage?resource=storage_gb&day={day}")).one(id="hours")
        return [row.all("td")[0].text for row in hours.one("tbody").all("tr")]

    assert hours(4)[:12] == ["40 GB"] * 12
    assert set(hours(3)) == {"5 GB"}


def trial(write: Session, person: Person, usage_in_trial: str) -> None:
    """A trial that ends in twenty days, and 1500 calls of which 1000 are included."""
    ends = rows.NOW + timedelta(days=20)
    rows.subscription(write, person.tenant_id, status="trialing", trial_end=ends, current_period_end=ends)
    usage_rows.terms(write, "starter", "api_calls", included=Decimal(1000))
    write.get_one(Plan, "starter").usage_in_trial = usage_in_trial
    usage_rows.period(write, person.tenant_id, rows.NOW - timedelta(days=10), is_trial=True)
    write.commit()
    usage_rows.report(person.tenant_id, "api_calls", 1500, rows.NOW - timedelta(days=5))


def test_a_trial_that_is_free_says_until_when_and_costs_nothing(
    browser: Browser, person: Person, write: Session, app: APIFlask
) -> None:
    trial(write, person, "free")
    page = html.page(browser.get("/usage"))
    cost = page.one(class_="usage-outlook").all("div")[1]
    assert cost.text.startswith("Cost beyond the plan $0.00")
    assert "free during the trial, until" in cost.text
    assert cost.one("time")["datetime"] == (rows.NOW + timedelta(days=20)).isoformat()
    assert "Expected cost beyond the plan" not in page.text
    callout = page.one("main").one(class_="callout")
    assert "It is free during the trial, until" in callout.text
    with tenancy.bound(person.tenant_id):
        shown = look.period()
        detail = look.detail(shown, look.Filters("api_calls"))
    assert detail is not None
    assert detail.cost == ("usd", 0, 0, 0, 0, True)


def test_a_trial_that_is_billed_says_what_it_costs(browser: Browser, person: Person, write: Session) -> None:
    trial(write, person, "billed")
    said = outlook(html.page(browser.get("/usage")))
    assert said["Cost beyond the plan so far, without tax"] == "$2.50"
    assert "free" not in html.page(browser.get("/usage")).one(id="resource").text


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ("grace", "It is billed with the next invoice"),
        ("restricted", "Nothing beyond it may be used until what is overdue is paid."),
        ("suspended", "Nothing may be used until what is overdue is paid."),
    ],
)
def test_who_has_not_paid_sees_the_same_and_is_not_sold_more(
    browser: Browser, person: Person, write: Session, account: str, sentence: str
) -> None:
    rows.subscription(write, person.tenant_id, status="past_due")
    rows.standing(write, person.tenant_id, account, days=8)
    usage_rows.terms(write, "starter", "api_calls", included=Decimal(1000))
    usage_rows.two_periods(write, person.tenant_id)
    usage_rows.month(person.tenant_id)
    page = html.page(browser.get("/usage"))
    assert sentence in page.one(id="resource").one(class_="callout").text
    assert "of 1,000 included" in page.one(class_="big-note").text
    assert page.all(id="plans-compared")
    hard = html.page(browser.get("/usage?resource=storage_gb")).one(id="resource")
    assert "The limit is reached." in hard.text
    assert not hard.one(class_="callout").all("a")
