"""API keys in real Chromium: made, copied, used and revoked, with JavaScript and without; every look of their pages."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.journey import journey
from tests.browser.looks import inspect
from tests.browser.ways import SPEECH, SPOKEN

pytestmark = pytest.mark.browser


@SPOKEN
def test_made_used_and_revoked(portal, browser, language, javascript):
    person = portal.person(language, SPEECH[language])
    with journey(portal, browser, java_script_enabled=javascript) as ada:
        ada.sign_in(person)
        page = ada.page
        page.goto(f"{portal.url}/api-keys")
        expect(page.locator(".empty")).to_be_visible()
        if javascript:
            inspect(page, f"keys-empty-{language}")
        page.locator("#new-key form > button").click()
        page.fill("input[name=name]", "web-1")
        page.check("input[value='usage:read']")
        page.locator("#new-key form > button").click()
        token = page.locator(".copyable code").text_content()
        assert re.fullmatch(r"bp_test_\w{38}", token)
        expect(page.locator(".snippet").first).to_contain_text(token)
        if javascript:
            inspect(page, f"keys-made-{language}")
            expect(page.locator("[data-copy]")).to_be_visible()
        event = {"resource_type": "api_calls", "quantity": 1}
        auth = {"Authorization": f"Bearer {token}"}
        assert requests.post(f"{portal.url}/api/v1/usage", json=event, headers=auth, timeout=30).status_code == 201
        page.locator("main .btn-primary").click()
        expect(page.locator("tr", has_text="web-1")).not_to_contain_text(token)
        if javascript:
            inspect(page, f"keys-{language}")
        page.locator("form[action$='/revoke'] button").click()
        if javascript:
            page.locator("dialog button[value=yes]").click()
        expect(page.locator("form[action$='/revoke']")).to_have_count(0)
        assert requests.post(f"{portal.url}/api/v1/usage", json=event, headers=auth, timeout=30).status_code == 401
