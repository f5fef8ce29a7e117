"""The neighbours' pages in real Chromium, without JavaScript: their look, their accessibility, their one form."""

import pytest
import requests
from playwright.sync_api import Browser, expect

from sandbox.outside.netbox import tokens
from sandbox.outside.odoo.seeding import BOT_KEY
from tests.browser.looks import inspect

from .conftest import Sandbox

pytestmark = pytest.mark.browser
SLACK = "/services/T0001/B0001/secret"


def furnish(sandbox: Sandbox) -> None:
    """Something on every page, long words among it."""
    post, long = requests.post, "INV-" + "0123456789" * 12
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*Paid* {long}"}}]
    post(sandbox.url + SLACK, json={"text": "fallback", "blocks": blocks}, timeout=10)
    sandbox.control("slack/webhooks", {"path": "/services/T1/B1/gone", "state": "no_service"})
    sandbox.control("slack/mood", {"mode": "rate_limited", "times": 3})
    signed = {"X-Signature": "t=1,v1=" + "ab" * 64}
    post(f"{sandbox.url}/hooks/acme", data=f'{{"number": "{long}"}}', headers=signed, timeout=10)
    sandbox.control("netbox/objects", {"tenants": [{"name": "Acme"}], "devices": [{"tenant": "acme", "count": 3}]})
    asked = f"{sandbox.url}/netbox/api/dcim/devices/?tenant={long}"
    requests.get(asked, headers={"Authorization": f"Bearer {tokens.READ}"}, timeout=10)
    move = {"partner_id": 1, "ref": long, "invoice_line_ids": [[0, 0, {"name": "x", "price_unit": 29.0}]]}
    sandbox.control("odoo/records", {"res.partner": [{"name": "Acme"}], "account.move": [move]})
    bearer = {"Authorization": f"bearer {BOT_KEY}"}
    post(f"{sandbox.url}/odoo/json/2/res.partner/search", json={"domain": []}, headers=bearer, timeout=10)


def test_pages_are_accessible_and_fit(sandbox: Sandbox, browser: Browser) -> None:
    furnish(sandbox)
    # axe is injected as a script, which the pages' own policy would refuse.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for path in ("/slack", "/netbox", "/odoo", "/hooks", "/hooks/acme", "/hooks/nobody", "/", "/mailbox"):
        page.goto(sandbox.url + path)
        inspect(page)
    context.close()


def test_a_person_sets_what_slack_answers(sandbox: Sandbox, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"{sandbox.url}/")
    page.get_by_role("link", name="Slack").click()
    page.get_by_label("What it answers from now on").select_option("channel_is_archived")
    page.get_by_role("button", name="Set").click()
    assert requests.post(sandbox.url + SLACK, json={"text": "x"}, timeout=10).status_code == 410
    page.get_by_label("What it answers from now on").select_option("normal")
    page.get_by_role("button", name="Set").click()
    assert requests.post(sandbox.url + SLACK, json={"text": "Hello"}, timeout=10).text == "ok"
    page.reload()
    expect(page.get_by_text("Hello").first).to_be_visible()
    page.get_by_role("button", name="Delete all 1").click()
    expect(page.get_by_text("No message yet.")).to_be_visible()
    context.close()
