"""axe finds nothing, on every page, light and dark, on a phone and on a desk; nothing runs over the edge."""

from types import SimpleNamespace

import pytest

from portal.app import create_app
from tests.browser.journey import Journey, journey
from tests.browser.looks import check, inspect
from tests.pages import rows
from tests.support import database, people

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("pdf")]

PUBLIC = ("/sign-in", "/forgot-password", "/reset-password/spent", "/nowhere")
SIGNED_IN = ("/", "/plans", "/plans?interval=year", "/invoices", "/account")
CHECKOUT_STATES = ("preparing", "abandoned", "complete", "failed", "expired")


@pytest.fixture(scope="module", name="customer")
def fixture_customer(portal, browser):
    """Somebody with a plan and an invoice, and the state of a signed-in browser."""
    person = portal.person()
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        ada.choose("starter")
        ada.pay()
        ada.await_active()
        returned = ada.page.url.removeprefix(portal.url)
        ada.open_invoice()
        ada.download_document()
        invoice = ada.page.url.removeprefix(portal.url)
        return ada.page.context.storage_state(), (returned, invoice)


def test_pages_before_signing_in(portal, browser):
    with browser.new_context() as context:
        page = context.new_page()
        for path in PUBLIC:
            check(page, portal.url + path)


def test_pages_of_a_customer(portal, browser, customer):
    storage, made = customer
    with browser.new_context(storage_state=storage) as context:
        page = context.new_page()
        for path in (*SIGNED_IN, *made):
            check(page, portal.url + path)


def test_pages_of_somebody_new(portal, browser):
    """Empty states, in the longest language."""
    person = portal.person("pt_BR", "pt_BR")
    with journey(portal, browser) as ada:
        ada.sign_in(person)
        for path in SIGNED_IN:
            check(ada.page, portal.url + path)


@pytest.fixture(scope="module", name="cast")
def fixture_cast(portal):
    """A viewer whose tenant has rows in every state, somebody at an open payment page, a member of staff."""
    app = create_app("web", settings=portal.settings)
    with app.app_context():
        viewer, buyer, clerk = people.member(role="viewer"), people.member(language="es"), people.staff()
        database.dispose(app)
    tenant = viewer.tenant_id
    with rows.written(portal.settings) as session:
        overdue = rows.subscription(session, tenant, status="past_due")
        ended = rows.subscription(session, tenant, status="canceled")
        twice = rows.subscription(session, tenant, status="canceled", superseded_reason="duplicate")
        made = [rows.checkout(session, tenant, state, stripe_session_id=None) for state in CHECKOUT_STATES]
        made += [_completed(session, tenant, bought) for bought in (overdue, ended, twice)]
        states = ({}, {"status": "open", "document_state": "pending"}, {"document_state": "failed"})
        invoices = [rows.invoice(session, tenant, f"AXE-{n}", **values) for n, values in enumerate(states)]
        opened = rows.checkout(session, buyer.tenant_id, "open", stripe_session_id=None)
    return SimpleNamespace(
        clerk=clerk,
        tenant=tenant,
        viewer=viewer,
        viewed=[f"/checkout/{row.id}" for row in made] + [f"/invoices/{row.id}" for row in invoices],
        forbidden=f"/checkout/{made[0].id}/back",
        buyer=buyer,
        open=f"/checkout/{opened.id}",
    )


def _completed(session, tenant, bought):
    found = {"stripe_subscription_id": bought.stripe_subscription_id, "stripe_session_id": None}
    return rows.checkout(session, tenant, "complete", **found)


def test_forms_that_were_refused_and_answered(portal, browser):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{portal.url}/sign-in")
        page.fill("input[name=email]", "nobody@example.com")
        page.fill("input[name=password]", "not the password")
        with page.expect_response(lambda answer: answer.request.method == "POST") as refused:
            page.locator("main form button[type=submit]").click()
        assert refused.value.status == 422
        page.wait_for_load_state()
        inspect(page)
        page.goto(f"{portal.url}/forgot-password")
        page.fill("input[name=email]", "nobody@example.com")
        page.locator("main form button[type=submit]").click()
        page.wait_for_load_state()
        inspect(page)


def test_pages_of_a_viewer_in_every_state(portal, browser, cast):
    with journey(portal, browser) as vera:
        vera.sign_in(cast.viewer)
        for path in ("/", "/plans", *cast.viewed):
            check(vera.page, portal.url + path)


def test_the_payment_page_is_open_and_a_form_is_wrong(portal, browser, cast):
    with browser.new_context() as context:
        page = context.new_page()
        Journey(portal, page).sign_in(cast.buyer)
        for query in ("", "?polls=9", "?polls=2&opening=1"):
            check(page, portal.url + cast.open + query)
        page.goto(f"{portal.url}/account")
        form = page.locator("main form[action$='/account/password']")
        form.evaluate("form => { form.noValidate = true; form.requestSubmit(); }")
        page.wait_for_selector("[aria-invalid=true]")
        inspect(page)


def test_what_a_role_may_not_open(portal, browser, cast):
    with browser.new_context() as context:
        page = context.new_page()
        Journey(portal, page).sign_in(cast.viewer)
        for path, status in ((cast.forbidden, 403), ("/invoices?after=x", 422)):
            assert page.goto(portal.url + path).status == status
            inspect(page)


def test_pages_of_the_staff(portal, browser, cast):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{portal.url}/sign-in")
        page.fill("input[name=email]", cast.clerk.email)
        page.fill("input[name=password]", cast.clerk.password)
        page.locator("main form button[type=submit]").click()
        page.wait_for_url("**/staff")
        for path in ("/staff", "/staff/tenants", f"/staff/tenants/{cast.tenant}"):
            check(page, portal.url + path)
