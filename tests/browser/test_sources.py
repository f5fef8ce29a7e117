"""Staff enter a source, see a tenant's figures and link it in real Chromium; every look of the pages."""

import os

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from portal.app import create_app
from portal.models import UsageSource
from sandbox.outside.netbox import tokens
from tests.browser.journey import journey
from tests.browser.looks import inspect
from tests.browser.ways import SPEECH, SPOKEN
from tests.pages import rows
from tests.support import database, people
from tests.support.shopping import make_tenant

pytestmark = pytest.mark.browser


@pytest.fixture(name="keeper")
def fixture_keeper(portal, language):
    """Who may write, a tenant to link, and another one whose link will fail."""
    app = create_app("web", settings=portal.settings)
    mark = os.urandom(3).hex()
    with app.app_context():
        speech = {"language": language, "format_locale": SPEECH[language]}
        person = people.staff("admin", email=f"keeper-{mark}@example.com", **speech)
        make_tenant(f"Umbrella {mark}")
        failing = make_tenant(f"Initech {mark}")
        database.dispose(app)
    return person, mark, failing


@SPOKEN
def test_a_source_and_a_link(portal, browser, keeper, language, javascript):
    person, mark, failing = keeper
    made = portal.sandbox.post(
        "netbox/objects",
        tenants=[{"name": f"Umbrella {mark}"}],
        devices=[{"tenant": f"umbrella-{mark}", "count": 3}],
        virtual_machines=[{"tenant": f"umbrella-{mark}", "name": f"vm-{mark}", "count": 2, "vcpus": 4, "memory": 8192}],
    )
    locale = SPEECH[language].replace("_", "-")
    with journey(portal, browser, java_script_enabled=javascript, locale=locale) as staff:
        page = staff.page
        page.goto(f"{portal.url}/sign-in")
        page.fill("input[name=email]", person.email)
        page.fill("input[name=password]", person.password)
        page.locator("main form button[type=submit]").click()
        page.wait_for_url(f"{portal.url}/staff")
        page.goto(f"{portal.url}/staff/sources")
        look(page, javascript, language, "empty")
        fields = {"name": f"NetBox {mark}", "base_url": "http://netbox.example.com", "secret": tokens.READ}
        for name, value in fields.items():
            page.fill(f"input[name={name}]", value)
        page.locator("#new-source form > button").click()
        expect(page.locator("#base_url-error")).to_be_visible()
        look(page, javascript, language, "wrong")
        page.fill("input[name=base_url]", f"{portal.sandbox.url}/netbox")
        page.fill("input[name=secret]", tokens.READ)
        page.locator("#new-source form > button").click()
        expect(page.locator("h1")).to_have_text(f"NetBox {mark}")
        page.locator("form[action$='/test'] button").click()
        expect(page.locator(".status.tone-good")).to_be_visible()
        page.locator("a[href$='/link']").click()
        page.select_option("select[name=tenant_id]", label=f"Umbrella {mark}")
        page.select_option("select[name=external_id]", str(made["tenants"][0]))
        page.locator("button[value=test]:not(.visually-hidden)").click()
        expect(page.locator("#figures")).to_contain_text("16 GB")
        look(page, javascript, language, "figures")
        page.locator("button[value=link]").click()
        expect(page.locator("#links")).to_contain_text(f"Umbrella {mark}")
        spoil(portal, mark, failing)
        page.reload()
        look(page, javascript, language, "one")
        page.goto(f"{portal.url}/staff/sources")
        look(page, javascript, language, "all")


def spoil(portal, mark, tenant_id):
    """A second tenant's link that fails, as staff find it in the morning."""
    with rows.written(portal.settings) as session:
        source = session.scalars(select(UsageSource).where(UsageSource.name == f"NetBox {mark}")).one()
        faulty = {"state": "failing", "error_code": "source_counts_disagree", "failing_since": rows.NOW}
        rows.source_link(session, tenant_id, source, external_id="4711", external_name="Initech (initech)", **faulty)


def look(page, javascript, language, name):
    if javascript:
        inspect(page, f"staff-sources-{name}-{language}")
