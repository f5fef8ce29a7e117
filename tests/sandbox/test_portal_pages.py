"""The pages of the billing portal: what a customer does there, and what the configuration keeps from it."""

from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.browser.looks import inspect

from .conftest import Sandbox
from .shopping import priced, text_of
from .support import customer_with_card
from .timing import DAY, advance, clock_at, clocked_customer

CARD = {"method": "card", "number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123"}
BACK = "http://127.0.0.1:9/account"


def subscribed(sandbox: Sandbox, customer: str, price: str, **more: Any) -> Any:
    return sandbox.client.v1.subscriptions.create({"customer": customer, "items": [{"price": price}], **more})


def offering(sandbox: Sandbox, *prices: str, **features: Any) -> str:
    """A configuration that lets its customers change between these prices."""
    by_product = [{"product": sandbox.client.v1.prices.retrieve(price).product, "prices": [price]} for price in prices]
    update: Any = {"enabled": True, "default_allowed_updates": ["price"], "products": by_product}
    update.update(features.pop("subscription_update", {}))
    everything: Any = {
        "subscription_update": update,
        "subscription_cancel": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "invoice_history": {"enabled": True},
        **features,
    }
    return sandbox.client.v1.billing_portal.configurations.create({"features": everything}).id


def visit(sandbox: Sandbox, customer: str, **more: Any) -> str:
    """The address of a new session."""
    params: Any = {"customer": customer, "return_url": BACK, **more}
    return sandbox.client.v1.billing_portal.sessions.create(params).url


def read(url: str, path: str = "") -> str:
    answer = requests.get(url + path, timeout=10)
    assert answer.status_code == 200, text_of(answer)
    return text_of(answer)


def push(url: str, path: str, *, status: int = 303, **fields: str) -> requests.Response:
    answer = requests.post(url + path, data=fields, allow_redirects=False, timeout=10)
    assert answer.status_code == status, text_of(answer)
    return answer


def test_the_first_page_shows_what_there_is(shared: Sandbox) -> None:
    customer, _ = customer_with_card(shared)
    subscribed(shared, customer.id, priced(shared, name="Basic"))
    shown = read(visit(shared, customer.id))
    for words in (
        "Basic",
        "$29.00 per month",
        "Renews on",
        "Visa ending in 4242",
        "Default",
        str(customer.email),
        "-0001",
    ):
        assert words in shown
    assert "Return to Sandbox" in shown
    assert "Change plan" not in shown, "the default configuration offers no plans"
    assert "There is no subscription." in read(visit(shared, shared.client.v1.customers.create({}).id))


def test_a_subscription_is_cancelled_and_kept(shared: Sandbox) -> None:
    customer, _ = customer_with_card(shared)
    subscription = subscribed(shared, customer.id, priced(shared))
    url = visit(shared, customer.id)
    path = f"/subscriptions/{subscription.id}"
    assert "Why are you leaving?" in read(url, f"{path}/cancel")
    assert push(url, f"{path}/cancel", reason="unused").headers["Location"].endswith("?told=plan_canceled")
    canceled = shared.client.v1.subscriptions.retrieve(subscription.id)
    # In the flexible billing mode by a time, not by the flag: whoever reads the flag alone misses it.
    assert (canceled.status, canceled.cancel_at_period_end) == ("active", False)
    assert canceled.cancel_at == canceled["items"].data[0].current_period_end
    assert canceled.cancellation_details is not None
    assert canceled.cancellation_details.feedback == "unused"
    shown = read(url, "?told=plan_canceled")
    assert "Ends on" in shown
    push(url, f"{path}/keep")
    assert shared.client.v1.subscriptions.retrieve(subscription.id).cancel_at is None
    assert "Renews on" in read(url)
    push(url, "/subscriptions/sub_none/cancel", status=404)


def test_cancelling_at_once(shared: Sandbox) -> None:
    customer, _ = customer_with_card(shared)
    subscription = subscribed(shared, customer.id, priced(shared))
    now: Any = {"enabled": True, "mode": "immediately"}
    url = visit(shared, customer.id, configuration=offering(shared, priced(shared), subscription_cancel=now))
    assert "It ends at once." in read(url, f"/subscriptions/{subscription.id}/cancel")
    push(url, f"/subscriptions/{subscription.id}/cancel")
    assert shared.client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    push(url, f"/subscriptions/{subscription.id}/cancel", status=404)


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations", "none"])
def test_a_plan_is_changed_for_what_was_quoted(shared: Sandbox, behavior: str) -> None:
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id)
    basic, pro = priced(shared, 2000, name="Basic"), priced(shared, 4000, name="Pro")
    subscription = subscribed(shared, customer, basic)
    advance(shared, clock.id, clock.frozen_time + 10 * DAY)
    update = {"proration_behavior": behavior}
    url = visit(shared, customer, configuration=offering(shared, basic, pro, subscription_update=update))
    path = f"/subscriptions/{subscription.id}/plans"
    assert "Basic $20.00 per month Current plan Pro $40.00 per month Change plan" in read(url, path)
    quoted = read(url, f"{path}/{pro}")
    assert ("Due today $13.55" in quoted) == (behavior == "always_invoice")
    assert ("Charged with the next invoice" in quoted) == (behavior == "create_prorations")
    assert ("Nothing is charged now" in quoted) == (behavior == "none")
    assert shared.client.v1.subscriptions.retrieve(subscription.id)["items"].data[0].price.id == basic
    push(url, f"{path}/{pro}")
    changed: Any = shared.client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert changed["items"].data[0].price.id == pro
    paid = {"always_invoice": 1355}.get(behavior, 2000)
    assert changed.latest_invoice.amount_paid == paid
    other = priced(shared)
    assert requests.get(f"{url}{path}/{other}", timeout=10).status_code == 404
    push(url, f"{path}/{other}", status=422)


def test_a_refused_payment_changes_nothing_that_was_not_said(shared: Sandbox) -> None:
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id)
    basic, pro = priced(shared, 2000), priced(shared, 4000)
    subscription = subscribed(shared, customer, basic)
    advance(shared, clock.id, clock.frozen_time + 10 * DAY)
    update = {"proration_behavior": "always_invoice"}
    url = visit(shared, customer, configuration=offering(shared, basic, pro, subscription_update=update))
    shared.control(f"customers/{customer}/fail_next_payment")
    before = len(shared.look("events")["data"])
    for _ in range(2):
        read(url, f"/subscriptions/{subscription.id}/plans/{pro}")
    assert len(shared.look("events")["data"]) == before, "looking at the costs leaves no trace"


def test_methods_are_added_removed_and_made_the_default(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer, first = customer_with_card(shared)
    subscription = subscribed(shared, customer.id, priced(shared), default_payment_method=first)
    url = visit(shared, customer.id)
    assert "Your card was declined." in text_of(
        push(url, "/payment-methods/new", **{**CARD, "number": "4000000000000002"}, status=402)
    )
    push(url, "/payment-methods/new", status=422, method="card")
    push(url, "/payment-methods/new", **CARD)
    second = v1.payment_methods.list({"customer": customer.id}).data[0].id
    assert v1.customers.retrieve(customer.id).invoice_settings.default_payment_method == second
    assert v1.subscriptions.retrieve(subscription.id).default_payment_method == second
    push(url, f"/payment-methods/{second}/remove", status=422)
    push(url, f"/payment-methods/{first}/default")
    push(url, f"/payment-methods/{second}/remove")
    assert [method.id for method in v1.payment_methods.list({"customer": customer.id}).data] == [first]
    _, foreign = customer_with_card(shared)
    for verb in ("default", "remove"):
        push(url, f"/payment-methods/{foreign}/{verb}", status=404)


@pytest.mark.parametrize("fields", [{**CARD, "number": "4000002760003184"}, {"method": "paypal"}])
def test_a_method_that_asks_the_payer_elsewhere(shared: Sandbox, fields: dict[str, str]) -> None:
    customer = shared.client.v1.customers.create({"email": "portal@example.com"})
    url = visit(shared, customer.id)
    for result, ends in (("fail", 402), ("complete", 200)):
        asked = push(url, "/payment-methods/new", **fields)
        answer = {"result": result}
        back = requests.post(shared.url + asked.headers["Location"], data=answer, allow_redirects=False, timeout=10)
        assert back.headers["Location"].startswith(f"{url}/payment-methods/added?setup_intent=seti_")
        assert requests.get(back.headers["Location"], timeout=10).status_code == ends
    saved = shared.client.v1.payment_methods.list({"customer": customer.id}).data
    settings = shared.client.v1.customers.retrieve(customer.id).invoice_settings
    assert [method.id for method in saved] == [settings.default_payment_method]


@pytest.mark.parametrize(
    ("after", "ends"),
    [
        ({"type": "redirect", "redirect": {"return_url": "http://127.0.0.1:9/thanks"}}, "http://127.0.0.1:9/thanks"),
        ({"type": "portal_homepage"}, "?told=plan_canceled"),
        ({"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": "We will miss you."}}, None),
    ],
)
def test_a_flow_leads_to_one_thing_and_back(shared: Sandbox, after: Any, ends: str | None) -> None:
    customer, _ = customer_with_card(shared)
    subscription = subscribed(shared, customer.id, priced(shared))
    cancel: Any = {"subscription": subscription.id}
    flow: Any = {"type": "subscription_cancel", "subscription_cancel": cancel, "after_completion": after}
    url = visit(shared, customer.id, flow_data=flow)
    first = requests.get(url, allow_redirects=False, timeout=10)
    path = f"/subscriptions/{subscription.id}/cancel"
    assert first.headers["Location"].endswith(path)
    if ends is None:
        assert "We will miss you." in text_of(push(url, path, status=200))
    else:
        assert push(url, path).headers["Location"].endswith(ends)
    assert "Ends on" in read(url)


def test_the_other_flows(shared: Sandbox) -> None:
    customer, _ = customer_with_card(shared)
    basic, pro = priced(shared, 2000), priced(shared, 4000, name="Pro")
    subscription = subscribed(shared, customer.id, basic)
    details: Any = {"enabled": True, "allowed_updates": ["email"]}
    configuration = offering(shared, basic, pro, customer_update=details)
    item = subscription["items"].data[0].id
    flows: Any = {
        "payment-methods/new": {"type": "payment_method_update"},
        "details": {"type": "customer_update"},
        "plans": {"type": "subscription_update", "subscription_update": {"subscription": subscription.id}},
        f"plans/{pro}": {
            "type": "subscription_update_confirm",
            "subscription_update_confirm": {"subscription": subscription.id, "items": [{"id": item, "price": pro}]},
        },
    }
    for path, flow in flows.items():
        url = visit(shared, customer.id, configuration=configuration, flow_data=flow)
        answer = requests.get(url, timeout=10)
        assert (answer.status_code, answer.url.endswith(path)) == (200, True), path
    push(url, f"/subscriptions/{subscription.id}/plans/{pro}")
    assert shared.client.v1.subscriptions.retrieve(subscription.id)["items"].data[0].price.id == pro


def test_details_as_far_as_allowed(shared: Sandbox) -> None:
    customer = shared.client.v1.customers.create({"email": "old@example.com", "name": "Old"})
    details: Any = {"enabled": True, "allowed_updates": ["email"]}
    url = visit(shared, customer.id, configuration=offering(shared, priced(shared), customer_update=details))
    push(url, "/details", email="nobody", status=422)
    push(url, "/details", email="", status=422)
    push(url, "/details", email="new@example.com", name="New")
    changed = shared.client.v1.customers.retrieve(customer.id)
    assert (changed.email, changed.name) == ("new@example.com", "Old")


def test_what_the_configuration_switches_off(shared: Sandbox) -> None:
    customer, method = customer_with_card(shared)
    subscription = subscribed(shared, customer.id, priced(shared))
    off: Any = {"enabled": False}
    features = dict.fromkeys(("subscription_cancel", "payment_method_update", "invoice_history"), off)
    url = visit(shared, customer.id, configuration=offering(shared, priced(shared), **features))
    shown = read(url)
    for words in ("Cancel subscription", "Add payment method", "Invoices", "Update"):
        assert words not in shown
    push(url, f"/subscriptions/{subscription.id}/cancel", status=404)
    push(url, f"/subscriptions/{subscription.id}/keep", status=422)
    push(url, f"/payment-methods/{method}/default", status=422)
    assert requests.get(f"{url}/details", timeout=10).status_code == 404


def test_the_link_ends_and_a_foreign_site_cannot_use_it(shared: Sandbox) -> None:
    clock = clock_at(shared)
    customer = clocked_customer(shared, clock.id)
    subscription = subscribed(shared, customer, priced(shared))
    url = visit(shared, customer, locale="es")
    path = f"{url}/subscriptions/{subscription.id}/cancel"
    assert requests.post(path, headers={"Origin": "http://evil.example"}, timeout=10).status_code == 403
    assert "Suscripción actual" in read(url)
    advance(shared, clock.id, clock.frozen_time + 3600)
    for answer in (requests.get(url, timeout=10), requests.post(path, timeout=10)):
        assert answer.status_code == 410
        assert "Este enlace ha caducado" in text_of(answer)
        assert BACK in answer.text
    assert shared.client.v1.subscriptions.retrieve(subscription.id).cancel_at is None
    assert requests.get(f"{shared.url}/p/session/bps_none", timeout=10).status_code == 404


@pytest.mark.browser
def test_a_customer_cancels_in_the_browser(shared: Sandbox, browser: Browser) -> None:
    customer, _ = customer_with_card(shared)
    basic, pro = priced(shared, 2000, name="Basic"), priced(shared, 4000, name="Pro")
    subscription = subscribed(shared, customer.id, basic)
    url = visit(shared, customer.id, configuration=offering(shared, basic, pro))
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    plans = f"/subscriptions/{subscription.id}/plans"
    for path in ("", "/payment-methods/new", plans, f"{plans}/{pro}", f"/subscriptions/{subscription.id}/cancel"):
        page.goto(url + path)
        inspect(page)
    page.get_by_role("button", name="Cancel subscription").click()
    expect(page.get_by_text("The subscription will end.")).to_be_visible()
    page.get_by_role("button", name="Don't cancel").click()
    expect(page.get_by_text("The subscription goes on.")).to_be_visible()
    context.close()
