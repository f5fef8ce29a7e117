"""Coupons in real Chromium: at the plans, on the subscription and for staff, with JavaScript and without."""

import os
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from portal import formats
from portal.app import create_app
from portal.billing.publish_coupons import publish_missing_coupons
from tests.browser.journey import PATIENCE_MS, journey
from tests.browser.looks import inspect, shot
from tests.browser.ways import MODES, SPEECH, SPOKEN
from tests.pages import rows
from tests.support import database, people

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("pdf")]


@pytest.fixture(scope="module", name="coupons")
def fixture_coupons(portal):
    """WELCOME, automatic for a first purchase; LOYAL for three months; LARGE from a price on."""
    with rows.written(portal.settings) as session:
        rows.coupon(session, "WELCOME", stripe_coupon_id=None, automatic=True, first_time_only=True)
        lasts = {"duration": "repeating", "duration_in_months": 3}
        rows.coupon(session, "LOYAL", stripe_coupon_id=None, percent_off=None, amounts_off={"usd": 500}, **lasts)
        rows.coupon(session, "LARGE", stripe_coupon_id=None, minimum_amounts={"usd": 5000})
    worker = create_app("worker", settings=portal.settings)
    with worker.app_context():
        publish_missing_coupons()
        database.dispose(worker)


def enter(page, code):
    page.fill("input[name=code]", code)
    page.locator(".coupon-form button").click()


@SPOKEN
@pytest.mark.usefixtures("coupons")
def test_bought_with_one_then_another_on_the_subscription(portal, browser, language, javascript):
    money = lambda amount: formats.money(amount, "usd", SPEECH[language])  # noqa: E731
    person = portal.person(language, SPEECH[language])
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        page = ada.page
        page.goto(f"{portal.url}/plans")
        expect(page.locator(".callout-title")).to_contain_text("WELCOME")
        expect(page.locator(".plan-deal .money").first).to_have_text(money(2320))
        shot(page, f"plans-{language}-{javascript}")
        enter(page, "nope")
        expect(page.locator("#code-error")).to_be_visible()
        enter(page, "large")
        expect(page.locator(".coupon-said")).to_contain_text("LARGE")
        expect(page.locator(".plan-deal .money").nth(0)).to_have_text(money(2320))  # of WELCOME still
        expect(page.locator(".plan-deal .money").nth(1)).to_have_text(money(7920))
        shot(page, f"plans-large-{language}-{javascript}")
        ada.choose("starter")
        expect(page.get_by_text(money(2320)).first).to_be_visible()
        ada.pay()
        ada.await_active()
        portal.await_quiet()
        page.goto(f"{portal.url}/coupons")
        shot(page, f"coupons-empty-{language}-{javascript}")
        enter(page, "WELCOME")
        expect(page.locator("#code-error")).to_be_visible()
        enter(page, "loyal")
        expect(page.locator(".big-number")).to_contain_text(money(2400).replace("\u00a0", " ").split(" ")[0])
        expect(page.locator("td.num .money")).to_have_count(3)
        shot(page, f"coupons-quote-{language}-{javascript}")
        page.locator("form[action='/coupons'][method=post] button").click()
        page.wait_for_url(f"{portal.url}/coupons")
        portal.await_quiet()
        page.goto(f"{portal.url}/coupons")
        expect(page.locator(".big-label")).to_contain_text("LOYAL")
        shot(page, f"coupons-running-{language}-{javascript}")
        with page.expect_response("**/remove"):
            page.locator("form[action$='/remove'] button").click()
            if javascript:
                page.locator("dialog button[value=yes]").click()
        portal.await_quiet()
        page.goto(f"{portal.url}/coupons")
        expect(page.locator(".empty")).to_be_visible(timeout=PATIENCE_MS)


def _staff(portal):
    app = create_app("web", settings=portal.settings)
    with app.app_context():
        person = people.staff("admin", email=f"keeper-{os.urandom(4).hex()}@example.com")
        database.dispose(app)
    return person


@MODES
def test_staff_make_and_archive_one(portal, browser, javascript):
    code = f"MADE-{javascript}".upper()
    with journey(portal, browser, java_script_enabled=javascript) as keeper:
        page = keeper.page
        page.goto(f"{portal.url}/sign-in")
        person = _staff(portal)
        page.fill("input[name=email]", person.email)
        page.fill("input[name=password]", person.password)
        page.locator("main form button[type=submit]").click()
        page.wait_for_url(f"{portal.url}/staff")
        page.goto(f"{portal.url}/staff/coupons")
        page.fill("input[name=code]", code)
        page.fill("input[name=name]", "Made by hand")
        page.fill("input[name=percent_off]", "120")
        page.locator("#new-coupon form > button").click()
        expect(page.locator("#percent_off-error")).to_be_visible()
        shot(page, f"staff-refused-{javascript}")
        page.fill("input[name=percent_off]", "12.5")
        page.locator("#new-coupon form > button").click()
        row = page.locator(f"tr:has-text('{code}')")
        expect(row).to_be_visible()
        portal.await_quiet()
        page.goto(f"{portal.url}/staff/coupons")
        expect(row).to_contain_text("12.5%")
        expect(row).to_contain_text("Offered")
        shot(page, f"staff-{javascript}")
        row.locator("form button").click()
        if javascript:
            page.locator("dialog button[value=yes]").click()
        expect(row).to_contain_text("Archived")


@pytest.fixture(scope="module", name="customer")
def fixture_customer(portal, browser, coupons):
    """Somebody with a running discount, and somebody of staff: each browser's state."""
    person, keeper = portal.person(), _staff(portal)
    with rows.written(portal.settings) as session:
        running = {
            "id": "di_1", "stripe_coupon_id": "coupon_x", "name": "Sorry", "percent_off": "12.5", "currency": None,
            "amount_off_minor": None, "duration": "forever", "starts_at": None, "ends_at": None,
        }  # fmt: skip
        rows.subscription(session, person.tenant_id, discounts=[running])
    states = []
    for each, first in ((person, "/"), (keeper, "/staff"), (portal.person(), "/")):
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{portal.url}/sign-in")
            page.fill("input[name=email]", each.email)
            page.fill("input[name=password]", each.password)
            page.locator("main form button[type=submit]").click()
            page.wait_for_url(f"{portal.url}{first}")
            states.append(context.storage_state())
    return SimpleNamespace(owner=states[0], keeper=states[1], newcomer=states[2])


def test_pages_of_coupons_are_accessible(portal, browser, customer):
    for state, paths in (
        (customer.owner, ("/coupons",)),
        (customer.newcomer, ("/plans", "/plans?code=nope", "/plans?code=large", "/coupons")),
        (customer.keeper, ("/staff/coupons",)),
    ):
        with browser.new_context(storage_state=state) as context:
            page = context.new_page()
            for path in paths:
                page.goto(portal.url + path)
                name = path.strip("/").replace("/", "-").replace("?", "-").replace("=", "-")
                who = "owner" if state is customer.owner else "other"
                inspect(page, f"axe-{name}-{who}")
