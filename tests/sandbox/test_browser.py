"""The hosted pages in real Chromium, without JavaScript, and their accessibility."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from .conftest import Sandbox
from .support import open_session, paid_session, product_with_price

pytestmark = pytest.mark.browser


def test_a_person_pays_without_javascript(shared: Sandbox, browser: Browser) -> None:
    _, price = product_with_price(shared)
    back = f"{shared.url}/?paid={{CHECKOUT_SESSION_ID}}"
    session = open_session(shared, price.id, success_url=back)
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(str(session.url))
    page.get_by_label("E-mail").fill("person@example.com")
    page.get_by_role("button", name="4000 0000 0000 0002").click()
    page.get_by_role("button", name="Pay $29.00").click()
    expect(page.get_by_role("alert")).to_contain_text("Your card was declined.")
    page.get_by_role("button", name="4000 0027 6000 3184").click()
    page.get_by_role("button", name="Pay $29.00").click()
    page.get_by_role("button", name="Complete").click()
    page.wait_for_url(f"**/?paid={session.id}")
    assert shared.client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"
    # A browser tells a declined form as a failed load; a blocked style or redirect would be told too.
    assert [text for text in complaints if "402" not in text] == []
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit(shared: Sandbox, browser: Browser, width: int, scheme: Any) -> None:
    _, price = product_with_price(shared)
    session = open_session(shared, price.id)
    waiting = open_session(shared, price.id)
    shared.control(f"checkout/{waiting.id}/pay", {"card": "4000002760003184"})
    expired = open_session(shared, price.id)
    shared.client.v1.checkout.sessions.expire(expired.id)
    invoice = paid_session(shared, price.id)["invoice"]
    # axe is injected as a script, which the pages' own policy would refuse.
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    paths = [
        f"/c/pay/{session.id}", f"/c/pay/{waiting.id}/authenticate", f"/c/pay/{expired.id}",
        f"/invoice/{invoice}", "/mailbox", "/", "/nothing",
    ]  # fmt: skip
    for path in paths:
        page.goto(shared.url + path)
        found = Axe().run(page).response["violations"]
        assert [violation["id"] for violation in found] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    context.close()
