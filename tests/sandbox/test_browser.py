"""The hosted pages in real Chromium, without JavaScript, and their accessibility."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looks import inspect

from .conftest import Sandbox
from .shopping import priced, session_for
from .support import customer_with_card, open_session, paid_session, product_with_price
from .test_invoice_page import open_invoice

pytestmark = pytest.mark.browser


def plain_page(browser: Browser, complaints: list[str], **more: Any) -> Page:
    """A page without JavaScript that notes what the browser complains of; not that a driver beat its autofocus."""
    page = browser.new_context(java_script_enabled=False, locale="en-US", **more).new_page()
    page.on("console", lambda message: "Autofocus" in message.text or complaints.append(message.text))
    return page


def test_a_person_pays_without_javascript(shared: Sandbox, browser: Browser) -> None:
    _, price = product_with_price(shared)
    back = f"{shared.url}/?paid={{CHECKOUT_SESSION_ID}}"
    session = open_session(shared, price.id, success_url=back)
    complaints: list[str] = []
    page = plain_page(browser, complaints)
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
    page.context.close()


def test_a_person_enters_a_code_and_pays_with_paypal(shared: Sandbox, browser: Browser) -> None:
    coupon = shared.client.v1.coupons.create({"percent_off": 50})
    shared.client.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HALF"})
    session = session_for(
        shared,
        "payment",
        priced(shared, 2000, recurring=False),
        allow_promotion_codes=True,
        success_url=f"{shared.url}/?paid={{CHECKOUT_SESSION_ID}}",
    )
    complaints: list[str] = []
    page = plain_page(browser, complaints)
    page.goto(str(session.url))
    page.get_by_text("Add promotion code").click()
    code = page.get_by_label("Promotion code")
    code.fill("NOPE")
    code.press("Enter")
    expect(page.get_by_text("This code is invalid.")).to_be_visible()
    code.fill("half")
    page.get_by_role("button", name="Apply").click()
    page.get_by_label("E-mail").fill("person@example.com")
    expect(page.get_by_label("Card number")).to_be_visible()
    page.get_by_label("PayPal").check()
    expect(page.get_by_label("Card number")).not_to_be_visible()
    page.get_by_role("button", name="Pay $10.00").click()
    page.get_by_role("button", name="Agree and continue").click()
    page.wait_for_url(f"**/?paid={session.id}")
    assert [text for text in complaints if "422" not in text] == []
    page.context.close()


def test_a_returning_person_presses_enter(shared: Sandbox, browser: Browser) -> None:
    customer, method = customer_with_card(shared)
    shared.client.v1.payment_methods.update(method, {"allow_redisplay": "always"})
    session = session_for(
        shared,
        "subscription",
        priced(shared),
        customer=customer.id,
        saved_payment_method_options={"payment_method_remove": "enabled"},
        success_url=f"{shared.url}/?paid={{CHECKOUT_SESSION_ID}}",
    )
    page = plain_page(browser, [])
    page.goto(str(session.url))
    # Enter must pay, and not remove the card, whose button comes first on the page.
    page.get_by_role("radio", name="Visa ending in 4242").press("Enter")
    page.wait_for_url(f"**/?paid={session.id}")
    assert shared.client.v1.payment_methods.retrieve(method).customer == customer.id
    page.context.close()


def everything(shared: Sandbox) -> list[str]:
    """The addresses of pages with as much on them as there can be."""
    price = priced(shared)
    session = open_session(shared, price)
    waiting = open_session(shared, price)
    shared.control(f"checkout/{waiting.id}/pay", {"card": "4000002760003184"})
    paypal = open_session(shared, price)
    shared.control(f"checkout/{paypal.id}/pay", {"paypal": True})
    expired = open_session(shared, price)
    shared.client.v1.checkout.sessions.expire(expired.id)
    paid = paid_session(shared, price)["invoice"]
    customer, method = customer_with_card(shared)
    shared.client.v1.payment_methods.update(method, {"allow_redisplay": "always"})
    items: Any = [{"price": price, "quantity": 2, "adjustable_quantity": {"enabled": True}}]
    crowded = session_for(
        shared,
        "subscription",
        line_items=items,
        customer=customer.id,
        customer_update={"name": "auto"},
        allow_promotion_codes=True,
        tax_id_collection={"enabled": True},
        phone_number_collection={"enabled": True},
        billing_address_collection="required",
        consent_collection={"terms_of_service": "required"},
        saved_payment_method_options={"payment_method_remove": "enabled", "payment_method_save": "enabled"},
        custom_fields=[{"key": "po", "type": "text", "label": {"type": "custom", "custom": "PO number"}}],
    )
    return [
        f"/c/pay/{session.id}", f"/c/pay/{crowded.id}", f"/c/pay/{waiting.id}/authenticate",
        f"/c/pay/{paypal.id}/authenticate", f"/c/pay/{expired.id}", f"/invoice/{paid}",
        f"/invoice/{open_invoice(shared, customer.id).id}", "/", "/wire", "/events", "/mailbox", "/nothing",
    ]  # fmt: skip


def test_pages_are_accessible_and_fit(shared: Sandbox, browser: Browser) -> None:
    # axe is injected as a script, which the pages' own policy would refuse.
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for path in everything(shared):
        page.goto(shared.url + path)
        page.evaluate("[...document.querySelectorAll('details')].slice(0, 12).forEach(each => each.open = true)")
        inspect(page)
    context.close()
