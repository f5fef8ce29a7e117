"""The usage page in real Chromium: empty, over a limit, near it; with JavaScript and without; small and in the dark."""

import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import expect

from portal.app import create_app
from tests.browser.journey import journey
from tests.browser.looks import SHOTS, inspect, shot
from tests.browser.ways import MODES, SPEECH, SPOKEN
from tests.pages import rows, usage_rows
from tests.support import database

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("pdf")]


@pytest.fixture(scope="module", name="terms")
def fixture_terms(portal):
    """What lies beyond the starter's calls is sold; its storage ends at 50 GB."""
    with rows.written(portal.settings) as session:
        tiers = {"usd": [{"up_to": 1000, "unit_amount_decimal": "0.5"}, {"up_to": None, "unit_amount_decimal": "0.25"}]}
        usage_rows.terms(session, "starter", "api_calls", included=Decimal(1000), tiers=tiers)


def used(portal, person, plan_id="starter"):
    """A plan and forty days of usage."""
    app = create_app("web", settings=portal.settings)
    with rows.written(portal.settings) as session:
        rows.subscription(session, person.tenant_id, plan_id)
        # Of no subscription: the portal's worker would bill it at Stripe, which knows none.
        usage_rows.two_periods(session, person.tenant_id, subscription_id=None, plan_id=None, currency=None)
    with app.app_context():
        usage_rows.month(person.tenant_id)
        database.dispose(app)


@SPOKEN
@pytest.mark.usefixtures("terms")
def test_looked_at_by_day_hour_source_and_period(portal, browser, language, javascript):
    person = portal.person(language, SPEECH[language])
    used(portal, person)
    day = (rows.NOW - timedelta(days=3, minutes=1)).date().isoformat()
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        page = ada.page
        page.locator(".topnav a[href='/usage']").click()
        expect(page.locator("#resource .callout")).to_be_visible()
        if javascript:
            inspect(page, f"usage-over-{language}")
        page.locator("#chart .segments a").nth(1).click()
        expect(page.locator("#chart .chart-bracket")).to_have_count(1)
        shot(page, f"usage-total-{language}-{javascript}")
        page.select_option("#day", day)
        if not javascript:
            page.locator(".filters button").click()
        expect(page.locator("#hours .chart-plot")).to_be_visible()
        assert f"day={day}" in page.url
        assert "view=total" in page.url
        page.locator("#hours .chart-table summary").click()
        if javascript:
            inspect(page, f"usage-hours-{language}")
        page.locator("#sources a.row-link").nth(1).click()
        expect(page.locator("#source")).to_have_value("batch")
        page.goto(f"{portal.url}/usage")
        page.locator(".page-header .segments a").nth(1).click()
        expect(page.locator(".page-header .segments a[aria-current]")).to_have_attribute(
            "href", page.url[len(portal.url) :]
        )
        with page.expect_download() as csv:
            page.locator("a[href*='export.csv']").click()
        assert csv.value.suggested_filename.endswith(".csv")
        with page.expect_download() as report:
            page.locator("a[href*='report.pdf']").click()
        text = pypdf.PdfReader(io.BytesIO(report.value.path().read_bytes())).pages[0].extract_text()
        assert "Acme Corp" in text
        if SHOTS:
            report.value.save_as(Path(SHOTS) / f"usage-report-{language}.pdf")


@pytest.mark.parametrize("language", SPEECH)
@pytest.mark.usefixtures("terms")
def test_within_the_limits_and_what_an_earlier_month_was_billed(portal, browser, language):
    """Each page of usage where nothing is wrong, in each language and each look."""
    person = portal.person(language, SPEECH[language])
    used(portal, person, "professional")
    with rows.written(portal.settings) as session:
        charge = rows.usage_charge(session, person.tenant_id)
        address = f"{portal.url}/usage/charges/{charge.id}"
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        page = ada.page
        page.goto(f"{portal.url}/usage?view=total")
        expect(page.locator("#resource .callout")).to_have_count(0)
        page.locator(".computed summary").click()
        inspect(page, f"usage-normal-{language}")
        page.goto(f"{portal.url}/usage?resource=storage_gb")
        page.locator("#chart .chart-table summary").click()
        inspect(page, f"usage-level-{language}")
        page.goto(address)
        inspect(page, f"charge-{language}")
        page.locator("main table a").click()
        expect(page.locator("main table code")).to_have_text("evt-1")
        inspect(page, f"charge-day-{language}")
        page.goto(f"{portal.url}/plans")
        expect(page.locator(".usage-beside")).to_have_count(8)
        inspect(page, f"usage-plans-{language}")


@pytest.mark.usefixtures("terms")
def test_a_free_trial_with_its_first_report_today(portal, browser):
    person = portal.person("es", "es_ES")
    app = create_app("web", settings=portal.settings)
    with rows.written(portal.settings) as session:
        ends = rows.NOW + timedelta(days=11)
        trial = {"status": "trialing", "trial_end": ends, "current_period_end": ends}
        rows.subscription(session, person.tenant_id, **trial)
        usage_rows.period(session, person.tenant_id, rows.NOW - timedelta(days=3), ends_at=ends, is_trial=True)
    with app.app_context():
        usage_rows.report(person.tenant_id, "api_calls", 1200, rows.NOW)
        database.dispose(app)
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/usage")
        expect(ada.page.locator(".usage-outlook")).to_contain_text("gratis durante la prueba")
        ada.page.locator(".computed summary").click()
        inspect(ada.page, "usage-trial")


@pytest.mark.usefixtures("terms")
def test_a_hard_limit_and_what_is_near_it(portal, browser):
    person = portal.person()
    used(portal, person)
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/usage?resource=storage_gb")
        expect(ada.page.locator("#resource .tone-bad").first).to_be_visible()
        inspect(ada.page, "usage-hard")
        ada.page.goto(f"{portal.url}/")
        inspect(ada.page, "usage-overview")
        ada.page.goto(f"{portal.url}/plans")
        inspect(ada.page, "usage-plans")


@MODES
def test_nothing_yet_says_how_it_begins(portal, browser, javascript):
    person = portal.person("pt_BR", "pt_BR")
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        ada.page.goto(f"{portal.url}/usage")
        expect(ada.page.locator("pre.command")).to_contain_text("/api/v1/uso")
        expect(ada.page.locator("[data-copy]")).to_be_visible(visible=javascript)
        if javascript:
            inspect(ada.page, "usage-empty")
