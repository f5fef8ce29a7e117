"""Staff define a resource and its terms in real Chromium, with JavaScript and without; every look of their pages."""

import os

import pytest
from playwright.sync_api import expect

from portal.app import create_app
from tests.browser.journey import journey
from tests.browser.looks import inspect
from tests.browser.ways import MODES
from tests.support import database, people

pytestmark = pytest.mark.browser


@pytest.fixture(name="keeper")
def fixture_keeper(portal):
    app = create_app("web", settings=portal.settings)
    with app.app_context():
        person = people.staff("admin", email=f"keeper-{os.urandom(4).hex()}@example.com")
        database.dispose(app)
    return person


@MODES
def test_a_resource_and_what_more_of_it_costs(portal, browser, keeper, javascript):
    code = f"builds_{str(javascript).lower()}"
    with journey(portal, browser, java_script_enabled=javascript) as staff:
        page = staff.page
        page.goto(f"{portal.url}/sign-in")
        page.fill("input[name=email]", keeper.email)
        page.fill("input[name=password]", keeper.password)
        page.locator("main form button[type=submit]").click()
        page.wait_for_url(f"{portal.url}/staff")
        page.goto(f"{portal.url}/staff/resources")
        for name, value in {"resource_type": code, "name_en": "Builds", "unit": "min"}.items():
            page.fill(f"input[name={name}]", value)
        page.locator("#new-resource form > button").click()
        expect(page.locator("tr", has_text=code)).to_contain_text("Reported")
        if javascript:
            inspect(page, "staff-resources")
            page.locator("tr", has_text=code).locator("a").click()
            inspect(page, "staff-resource")
            page.goto(f"{portal.url}/staff/terms")
            inspect(page, "staff-terms")
        page.goto(f"{portal.url}/staff/terms/starter/{code}")
        page.fill("input[name=included]", "1000")
        page.check("input[value=soft]")
        page.fill("input[name=tier-usd-0-up_to]", "500")
        page.fill("input[name=tier-usd-0-unit]", "0.01")
        page.fill("input[name=tier-usd-1-up_to]", "100")
        page.locator("button[value=preview]:not(.visually-hidden)").click()
        expect(page.locator(".callout.tone-bad")).to_contain_text("row 2")
        if javascript:
            inspect(page, "staff-terms-wrong")
        page.locator("button[value=more]").click()
        page.fill("input[name=tier-usd-1-up_to]", "")
        page.fill("input[name=tier-usd-1-unit]", "0.0075")
        page.fill("input[name=tier-usd-1-flat]", "2")
        page.locator("button[value=preview]:not(.visually-hidden)").click()
        expect(page.locator("#preview-usd")).to_contain_text("500 × $0.01 = $5.00")
        if javascript:
            inspect(page, "staff-terms-preview")
        page.locator("button[value=save]").click()
        expect(page.locator(f"tr:has(a[href='/staff/terms/starter/{code}'])")).to_contain_text("1,000 min")
