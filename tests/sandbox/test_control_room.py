"""The control room: time, failures and webhooks by buttons; what went over the wire, with its bodies."""

from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from sandbox.engine import agenda_handlers
from sandbox.pages import agenda_words

from .conftest import Receiver, Sandbox
from .shopping import priced, text_of
from .support import customer_with_card, endpoint
from .timing import DAY, START, clock_at, clocked_customer


def look(sandbox: Sandbox, path: str = "/") -> str:
    answer = requests.get(sandbox.url + path, timeout=10)
    assert answer.status_code == 200
    return text_of(answer)


def push(sandbox: Sandbox, path: str, *, status: int = 303, **fields: str) -> requests.Response:
    answer = requests.post(sandbox.url + path, data=fields, allow_redirects=False, timeout=30)
    assert answer.status_code == status, answer.text
    return answer


def subscribed(sandbox: Sandbox, customer: str, **more: Any) -> Any:
    return sandbox.client.v1.subscriptions.create({"customer": customer, "items": [{"price": priced(sandbox)}], **more})


def now_of(sandbox: Sandbox, clock: Any) -> int:
    return sandbox.client.v1.test_helpers.test_clocks.retrieve(clock.id).frozen_time


def test_a_customer_with_a_clock_goes_from_event_to_event(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id)
    subscription = subscribed(sandbox, customer, trial_period_days=14)
    shown = look(sandbox)
    for words in ("2026-01-01 00:00 own clock", "trialing", "trial until Jan 15, 2026, in 14 days"):
        assert words in shown
    path = f"/control/customers/{customer}/advance"
    assert push(sandbox, path, to="day").headers["Location"] == f"/#{customer}"
    assert now_of(sandbox, clock) == START + DAY
    push(sandbox, path, to="next")
    assert now_of(sandbox, clock) == START + 7 * DAY, "the renewal is announced"
    push(sandbox, path, to="trial")
    assert now_of(sandbox, clock) == START + 14 * DAY
    assert sandbox.client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert "Next the draft invoice is finalized and collected in 1 hour" in look(sandbox)
    push(sandbox, path, to="next")
    assert sandbox.client.v1.invoices.list({"customer": customer, "status": "paid"}).data[0].amount_paid == 2900
    push(sandbox, path, to="renewal")
    assert now_of(sandbox, clock) == START + 45 * DAY
    push(sandbox, path, to="month")
    assert now_of(sandbox, clock) == START + 73 * DAY
    push(sandbox, path, to="trial", status=400)
    push(sandbox, "/control/customers/cus_none/advance", to="day", status=404)


def test_everything_on_the_agenda_has_words() -> None:
    assert agenda_words.wordless(agenda_handlers.names()) == set()


def test_stripes_limit_is_told_on_the_card(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id)
    daily = priced(sandbox, recurring=False)
    product: Any = sandbox.client.v1.prices.retrieve(daily).product
    price = sandbox.client.v1.prices.create(
        {"product": product, "currency": "usd", "unit_amount": 100, "recurring": {"interval": "day"}}
    )
    sandbox.client.v1.subscriptions.create({"customer": customer, "items": [{"price": price.id}]})
    refused = push(sandbox, f"/control/customers/{customer}/advance", to="month", status=422)
    assert "at most two intervals" in text_of(refused)


def test_without_a_clock_the_buttons_move_everybody(sandbox: Sandbox) -> None:
    customer, _ = customer_with_card(sandbox)
    subscription = subscribed(sandbox, customer.id)
    before = sandbox.look("health")["now"]
    assert "These move the global clock" in look(sandbox)
    push(sandbox, f"/control/customers/{customer.id}/advance", to="renewal")
    assert sandbox.look("health")["now"] - before > 27 * DAY
    listed = sandbox.client.v1.invoices.list({"subscription": subscription.id}).data
    assert [invoice.billing_reason for invoice in listed] == ["subscription_cycle", "subscription_create"]
    push(sandbox, "/control/clock", seconds="3600")
    assert sandbox.client.v1.invoices.retrieve(listed[0].id).status == "paid"
    assert "moved ahead of the real time" in look(sandbox)
    push(sandbox, "/control/clock", seconds="soon", status=400)


def test_a_customer_gets_a_clock_of_its_own(sandbox: Sandbox) -> None:
    customer, _ = customer_with_card(sandbox)
    subscribed(sandbox, customer.id)
    push(sandbox, f"/control/customers/{customer.id}/clock")
    assert sandbox.client.v1.customers.retrieve(customer.id).test_clock is not None
    before = sandbox.look("health")["now"]
    push(sandbox, f"/control/customers/{customer.id}/advance", to="renewal")
    push(sandbox, f"/control/customers/{customer.id}/advance", to="day")
    assert sandbox.look("health")["now"] - before < 60
    assert len(sandbox.client.v1.invoices.list({"customer": customer.id}).data) == 2
    push(sandbox, f"/control/customers/{customer.id}/clock", status=422)
    portal = push(sandbox, f"/control/customers/{customer.id}/portal").headers["Location"]
    assert "Current subscription" in text_of(requests.get(portal, timeout=10))


def test_the_next_payment_fails_on_demand(sandbox: Sandbox) -> None:
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id)
    subscribed(sandbox, customer)
    assert "Let the next payment fail" in look(sandbox)
    push(sandbox, f"/control/customers/{customer}/fail", times="1")
    assert "Next payment fails" in look(sandbox)
    push(sandbox, f"/control/customers/{customer}/fail", times="0")
    assert "Let the next payment fail" in look(sandbox)
    push(sandbox, f"/control/customers/{customer}/fail", times="1")
    for to in ("renewal", "next"):
        push(sandbox, f"/control/customers/{customer}/advance", to=to)
    shown = look(sandbox)
    for words in ("owes", "past_due", "the payment of invoice", "in 1 day"):
        assert words in shown


def test_webhooks_are_held_and_released(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver, ["customer.created"])
    usual = {"mode": "normal", "duplicate": "1", "delay": "0", "shuffle": "0"}
    push(sandbox, "/control/deliveries", **{**usual, "mode": "hold"})
    made = [sandbox.client.v1.customers.create({}).id for _ in range(3)]
    assert "3 held" in look(sandbox)
    push(sandbox, "/control/deliveries", release="reverse")
    assert [event["data"]["object"]["id"] for event in receiver.collect(3)] == made[::-1]
    push(sandbox, "/control/deliveries", **usual, split="1")
    sandbox.client.v1.customers.create({})
    first, second = receiver.collect(2)
    assert first["id"] != second["id"]
    push(sandbox, "/control/deliveries", normal="1")
    push(sandbox, "/control/deliveries", **{**usual, "duplicate": "2"})
    sandbox.client.v1.customers.create({})
    first, second = receiver.collect(2)
    assert first["id"] == second["id"]
    push(sandbox, "/control/deliveries", **{**usual, "mode": "lost"}, status=400)
    push(sandbox, "/control/deliveries", **{**usual, "delay": "many"}, status=400)


def test_the_wire_and_the_events_with_their_bodies(sandbox: Sandbox, receiver: Receiver) -> None:
    endpoint(sandbox, receiver, ["customer.updated"])
    customer = sandbox.client.v1.customers.create({"name": "Ada <b>"}).id
    sandbox.client.v1.customers.update(customer, {"name": "Grace"})
    receiver.next_event()
    shown = look(sandbox, "/wire")
    for words in ("POST /v1/customers", "name = Ada <b>", '"name": "Grace"', "customer.updated", "webhook"):
        assert words in shown
    assert "sk_test_tests" not in requests.get(f"{sandbox.url}/wire", timeout=10).text
    assert "<b>" not in requests.get(f"{sandbox.url}/wire", timeout=10).text
    assert receiver.url not in look(sandbox, "/wire?kind=request&match=POST /v1/customers")
    only = look(sandbox, "/wire?kind=delivery")
    assert f"POST {receiver.url}" in only
    assert "name = Ada" not in only
    assert requests.get(f"{sandbox.url}/wire?kind=other", timeout=10).status_code == 400
    number = sandbox.look("wire")["data"][0]["number"]
    text = requests.get(f"{sandbox.url}/wire/{number}", timeout=10)
    assert (text.headers["Content-Type"], "Stripe-Signature" in text.text) == ("text/plain; charset=utf-8", True)
    events = look(sandbox, f"/events?match={customer}")
    for words in ("customer.updated", "Former values", '"name": "Ada <b>"', "delivered after 1 try (200)"):
        assert words in events
    event = sandbox.client.v1.events.list({"type": "customer.updated"}).data[0].id
    push(sandbox, f"/events/{event}/redeliver")
    assert receiver.next_event()["id"] == event
    push(sandbox, "/events/evt_none/redeliver", status=404)
    push(sandbox, "/wire/clear")
    assert "Nothing yet" in look(sandbox, "/wire")


def test_customers_are_found_by_name(sandbox: Sandbox) -> None:
    assert "Nobody lives here yet" in look(sandbox)
    ada, grace = (sandbox.client.v1.customers.create({"name": name}).id for name in ("Ada", "Grace"))
    shown = requests.get(f"{sandbox.url}/?q=gra", timeout=10).text
    assert (f'id="{grace}"' in shown, f'id="{ada}"' in shown) == (True, False)
    assert "Nobody is called that" in look(sandbox, "/?q=zz")
    for _ in range(20):
        sandbox.client.v1.customers.create({})
    assert "And 2 more" in look(sandbox)


@pytest.mark.parametrize(
    "path", ["/control/clock", "/control/deliveries", "/control/customers/cus_x/fail", "/wire/clear"]
)
def test_a_foreign_site_cannot_push_the_buttons(shared: Sandbox, path: str) -> None:
    answer = requests.post(shared.url + path, headers={"Origin": "http://evil.example"}, timeout=10)
    assert answer.status_code == 403


@pytest.mark.browser
def test_a_contributor_plays_a_year(sandbox: Sandbox, browser: Browser) -> None:
    clock = clock_at(sandbox)
    customer = clocked_customer(sandbox, clock.id)
    subscribed(sandbox, customer)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(sandbox.url)
    card = page.locator(f"#{customer}")
    for _ in range(12):
        card.get_by_role("button", name="+1 month").click()
        expect(card).to_contain_text("active")
    expect(card).to_contain_text("2027-01-01")
    card.get_by_role("button", name="Let the next payment fail").click()
    card.get_by_role("button", name="To what is next").click()
    expect(card.get_by_role("button", name="Next payment fails")).to_have_count(0)
    expect(card).to_contain_text("past_due")
    card.locator("summary", has_text="Invoices").click()
    card.get_by_role("link", name="-0013").click()
    expect(page.get_by_role("button", name="Pay $29.00")).to_be_visible()
    context.close()
