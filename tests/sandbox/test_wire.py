"""The wire: door, parameters, errors, lists, expand, idempotency, faults."""

import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import stripe

from .conftest import KEY, Sandbox
from .support import customer_with_card, paid_session, product_with_price


def refused(call: Callable[[], Any]) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as caught:
        call()
    return caught.value


# The door


def test_any_test_key_and_both_schemes_open_the_same_account(shared: Sandbox) -> None:
    other = shared.client_with("sk_test_other").v1.accounts.retrieve_current()
    assert other.id == shared.account
    basic = requests.get(f"{shared.url}/v1/account", auth=("sk_test_basic", ""), timeout=10)
    assert basic.json()["id"] == shared.account
    assert basic.headers["Stripe-Version"] == "2026-10-28.endive"
    assert basic.headers["Request-Id"].startswith("req_")


def test_live_keys_are_refused_in_words(shared: Sandbox) -> None:
    error = refused(lambda: shared.client_with("sk_live_secret").v1.products.list())
    assert isinstance(error, stripe.AuthenticationError)
    assert "LIVE key" in str(error)
    assert "sk_live_secret" not in str(error)


def test_restricted_test_keys_open_it_too(shared: Sandbox) -> None:
    assert shared.client_with("rk_test_narrow").v1.accounts.retrieve_current().id == shared.account


@pytest.mark.parametrize("key", ["pk_test_x", "sk_test_", "rk_test_", "rk_tes", "nonsense-key-of-some-length"])
def test_other_keys_are_refused(shared: Sandbox, key: str) -> None:
    error = refused(lambda: shared.client_with(key).v1.products.list())
    assert error.http_status == 401
    assert "Invalid API Key" in str(error)


def test_no_key_another_version_and_unknown_addresses(shared: Sandbox) -> None:
    assert requests.get(f"{shared.url}/v1/products", timeout=10).status_code == 401
    old = shared.raw("GET", "/v1/products", Stripe_Version="2024-06-20")
    assert old.status_code == 400
    assert "2026-10-28.endive only" in old.json()["error"]["message"]
    unknown = shared.raw("GET", "/v1/nothing")
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "invalid_request_error")
    later = shared.raw("GET", "/v1/billing/alerts")
    assert later.json()["error"]["code"] == "sandbox_not_modelled"


# Parameters


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("/v1/customers", "nickname=x", "parameter_unknown", "nickname"),
        ("/v1/prices", "currency=usd&recurring[often]=1", "parameter_unknown", "recurring[often]"),
        ("/v1/prices", "currency=usd&unit_amount=ten", "parameter_invalid_integer", "unit_amount"),
        ("/v1/prices", "unit_amount=1", "parameter_missing", "currency"),
        ("/v1/products", "name=", "parameter_invalid_empty", "name"),
        ("/v1/products", "name=x&active=yes", None, "active"),
        ("/v1/products", "name=x&active[a]=1", None, "active"),
        ("/v1/products", "name=x&images=one", None, "images"),
        ("/v1/products", "name[a]=x", None, "name"),
        ("/v1/prices", "currency=usd&unit_amount=1&tax_behavior=odd", None, "tax_behavior"),
        ("/v1/prices", "currency=usd&unit_amount_decimal=1,5", None, "unit_amount_decimal"),
        ("/v1/customers", "metadata=x", None, "metadata"),
        ("/v1/customers", f"metadata[{'k' * 41}]=x", None, f"metadata[{'k' * 41}]"),
        ("/v1/customers", f"metadata[k]={'v' * 501}", None, "metadata[k]"),
        ("/v1/products", "name=a&name[b]=c", None, "name[b]"),
        ("/v1/products", "na[me=x", "parameter_unknown", "na[me"),
        ("/v1/checkout/sessions", "payment_method_types[0]=card", "parameter_unknown", "payment_method_types"),
        ("/v1/checkout/sessions", "ui_mode=hosted", None, "ui_mode"),
        ("/v1/subscriptions", "coupon=x", "parameter_unknown", "coupon"),
    ],
)
def test_wrong_parameters_answer_as_stripe_does(
    shared: Sandbox, path: str, body: str, code: str | None, param: str
) -> None:
    answer = shared.raw("POST", path, body)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["type"] == "invalid_request_error"
    assert (error.get("code"), error["param"]) == (code, param)
    assert error["request_log_url"].endswith(answer.headers["Request-Id"])


def test_a_value_outside_of_hundreds_is_told_in_one_sentence(shared: Sandbox) -> None:
    answer = shared.raw("POST", "/v1/webhook_endpoints", "url=http://127.0.0.1:9/&enabled_events[0]=invoice.odd")
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "enabled_events[0]")
    assert error["message"].startswith("Invalid enabled_events[0]: must be one of ")
    assert re.search(r", or \d{3} more$", error["message"])
    assert len(error["message"]) < 1000


def test_bodies_that_are_no_form_are_refused(shared: Sandbox) -> None:
    json_body = shared.raw("POST", "/v1/products", '{"name": "x"}', Content_Type="application/json")
    assert json_body.status_code == 400
    large = shared.raw("POST", "/v1/products", "name=" + "x" * (6 * 1024 * 1024))
    assert large.status_code == 413


def test_missing_objects_are_404_in_the_path_and_400_in_a_parameter(shared: Sandbox) -> None:
    gone = refused(lambda: shared.client.v1.customers.retrieve("cus_nobody"))
    assert (gone.http_status, gone.code) == (404, "resource_missing")
    assert "No such customer: 'cus_nobody'" in str(gone)
    error = refused(lambda: shared.client.v1.subscriptions.create({"customer": "cus_nobody", "items": []}))
    assert (error.http_status, error.code, error.param) == (400, "resource_missing", "customer")


def test_what_is_not_modelled_is_refused_not_ignored(shared: Sandbox) -> None:
    product, _ = product_with_price(shared)
    params: Any = {"product": product.id, "currency": "usd", "custom_unit_amount": {"enabled": True}}
    error = refused(lambda: shared.client.v1.prices.create(params))
    assert (error.code, error.param) == ("sandbox_not_modelled", "custom_unit_amount")


# Lists and expand


def test_lists_page_by_cursor_in_both_directions(shared: Sandbox) -> None:
    mark = uuid.uuid4().hex
    made = [
        shared.client.v1.customers.create({"email": f"{mark}@example.com", "name": str(number)}).id
        for number in range(5)
    ]
    newest_first = made[::-1]
    where: Any = {"email": f"{mark}@example.com", "limit": 2}
    first = shared.client.v1.customers.list(where)
    assert [found.id for found in first.data] == newest_first[:2]
    assert first.has_more
    assert first.url == "/v1/customers"
    assert [found.id for found in first.auto_paging_iter()] == newest_first
    last = shared.client.v1.customers.list({**where, "starting_after": newest_first[2]})
    assert ([found.id for found in last.data], last.has_more) == (newest_first[3:], False)
    back = shared.client.v1.customers.list({**where, "ending_before": newest_first[3]})
    assert ([found.id for found in back.data], back.has_more) == (newest_first[1:3], True)
    assert shared.client.v1.customers.list({**where, "created": {"gt": int(time.time()) + 60}}).data == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "starting_after=cus_none", "starting_after=a&ending_before=b"]
)
def test_wrong_pages_are_refused(shared: Sandbox, query: str) -> None:
    assert shared.raw("GET", f"/v1/customers?{query}").status_code == 400


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("customers", "customer"),
        ("payment_methods", "PaymentMethod"),
        ("test_helpers/test_clocks", "test_helpers.test_clock"),
        ("webhook_endpoints", "webhook endpoint"),
        ("checkout/sessions", "checkout.session"),
        ("subscriptions", "subscription"),
    ],
)
def test_a_cursor_that_names_nothing_is_told_by_its_type(shared: Sandbox, path: str, what: str) -> None:
    for name in ("starting_after", "ending_before"):
        answer = shared.raw("GET", f"/v1/{path}?{name}=x_none")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "resource_missing", name)
        assert error["message"] == f"No such {what}: 'x_none'"


def test_expand_opens_ids_and_hidden_keys(shared: Sandbox) -> None:
    _, price = product_with_price(shared)
    customer = shared.client.v1.customers.create({"email": "expand@example.com"})
    paid = paid_session(shared, price.id, customer=customer.id)
    plain = shared.client.v1.invoices.retrieve(paid["invoice"])
    assert "payments" not in plain
    assert plain.customer == customer.id
    full: Any = shared.client.v1.invoices.retrieve(
        paid["invoice"],
        {
            "expand": [
                "payments.data.payment.payment_intent",
                "confirmation_secret",
                "customer",
                "lines.data.pricing.price_details.price",
            ]
        },
    )
    assert full.payments.data[0].payment.payment_intent.status == "succeeded"
    assert full.confirmation_secret.client_secret.startswith("pi_")
    assert full.customer.email == "expand@example.com"
    assert full.lines.data[0].pricing.price_details.price.unit_amount == 2900
    listed: Any = shared.client.v1.subscriptions.list(
        {"customer": customer.id, "expand": ["data.latest_invoice.payments", "data.default_payment_method"]}
    )
    assert listed.data[0].latest_invoice.payments.data[0].status == "paid"
    assert listed.data[0].default_payment_method.card.last4 == "4242"


@pytest.mark.parametrize("path", ["email", "nothing", "invoice_settings.footer", "a.b.c.d.e.f"])
def test_what_cannot_be_expanded_is_refused(shared: Sandbox, path: str) -> None:
    customer = shared.client.v1.customers.create({"email": "closed@example.com"})
    error = refused(lambda: shared.client.v1.customers.retrieve(customer.id, {"expand": [path]}))
    assert error.param == "expand"
    listed = shared.raw("GET", f"/v1/customers?expand[]={path}")
    assert listed.status_code == 400


# Idempotency


def test_the_same_key_and_parameters_answer_the_same(shared: Sandbox) -> None:
    key = uuid.uuid4().hex
    first = shared.raw("POST", "/v1/customers", "name=once", Idempotency_Key=key)
    again = shared.raw("POST", "/v1/customers", "name=once", Idempotency_Key=key)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]


def test_the_same_key_for_something_else_is_refused(shared: Sandbox) -> None:
    key = uuid.uuid4().hex
    shared.raw("POST", "/v1/customers", "name=once", Idempotency_Key=key)
    for path, body in (("/v1/customers", "name=other"), ("/v1/products", "name=once")):
        answer = shared.raw("POST", path, body, Idempotency_Key=key)
        assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")


def test_validation_errors_are_not_kept_and_card_errors_are(shared: Sandbox) -> None:
    key = uuid.uuid4().hex
    assert shared.raw("POST", "/v1/prices", "currency=usd", Idempotency_Key=key).status_code == 400
    assert shared.raw("POST", "/v1/customers", "name=new", Idempotency_Key=key).status_code == 200
    customer, _ = customer_with_card(shared)
    key = uuid.uuid4().hex
    path = "/v1/payment_methods/pm_card_chargeDeclined/attach"
    first = shared.raw("POST", path, f"customer={customer.id}", Idempotency_Key=key)
    again = shared.raw("POST", path, f"customer={customer.id}", Idempotency_Key=key)
    assert first.status_code == again.status_code == 402
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.json()["error"]["decline_code"] == "generic_decline"


def test_fifty_threads_with_one_key_make_one_object(shared: Sandbox) -> None:
    mark = uuid.uuid4().hex
    client = shared.client_with(retries=8)

    def create(_: int) -> str:
        params: Any = {"email": f"{mark}@example.com"}
        return client.v1.customers.create(params, {"idempotency_key": mark}).id

    with ThreadPoolExecutor(50) as threads:
        ids = set(threads.map(create, range(50)))
    listed = shared.client.v1.customers.list({"email": f"{mark}@example.com"}).data
    assert ids == {listed[0].id}
    assert len(listed) == 1


def test_a_key_that_is_in_use_is_refused_with_409(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "delay", "seconds": 1.5})
    key = uuid.uuid4().hex
    slow = threading.Thread(target=lambda: sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key=key))
    slow.start()
    time.sleep(0.5)
    answer = sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key=key)
    slow.join()
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "idempotency_key_in_use")
    assert answer.headers["Stripe-Should-Retry"] == "true"
    assert sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key=key).status_code == 200
    assert len(sandbox.client.v1.customers.list().data) == 1


def test_keys_end_after_a_day_of_the_sandboxs_clock(sandbox: Sandbox) -> None:
    sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key="day")
    sandbox.control("clock", {"advance_seconds": 86400})
    assert "Idempotent-Replayed" not in sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key="day").headers
    assert len(sandbox.client.v1.customers.list().data) == 2


# Faults


def test_429_and_500_come_before_any_effect(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "429"})
    limited = refused(lambda: sandbox.client.v1.customers.create({"name": "x"}))
    assert isinstance(limited, stripe.RateLimitError)
    sandbox.control("fail", {"match": "POST /v1/*", "mode": "500", "times": 2})
    for _ in range(2):
        assert refused(lambda: sandbox.client.v1.customers.create({"name": "x"})).http_status == 500
    assert sandbox.client.v1.customers.list().data == []
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "500", "times": 2})
    assert sandbox.client_with(retries=2).v1.customers.create({"name": "x"}).name == "x"


def test_a_stored_500_is_replayed(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "500_stored"})
    first = sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key="kept")
    again = sandbox.raw("POST", "/v1/customers", "name=x", Idempotency_Key="kept")
    assert first.status_code == again.status_code == 500
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_lost_answer_leaves_its_effect_and_the_key_finds_it(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "drop_after_effect"})
    options: Any = {"idempotency_key": "lost"}
    error = refused(lambda: sandbox.client.v1.customers.create({"name": "x"}, options))
    assert isinstance(error, stripe.APIConnectionError)
    found = sandbox.client.v1.customers.create({"name": "x"}, options)
    assert [customer.id for customer in sandbox.client.v1.customers.list().data] == [found.id]


def test_reset_and_timeout_leave_no_effect(sandbox: Sandbox) -> None:
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "connection_reset"})
    assert isinstance(refused(lambda: sandbox.client.v1.customers.create({"name": "x"})), stripe.APIConnectionError)
    sandbox.control("fail", {"match": "POST /v1/customers", "mode": "timeout", "seconds": 30})
    with pytest.raises(requests.Timeout):
        requests.post(f"{sandbox.url}/v1/customers", auth=(KEY, ""), data={"name": "x"}, timeout=0.5)
    assert sandbox.client.v1.customers.list().data == []
    assert [entry["status"] for entry in sandbox.look("requests")["data"]][1:] == ["dropped", "dropped"]
    sandbox.control("fail", {"mode": "429"}, status=400)
    sandbox.control("fail", {"match": "GET *", "mode": "explode"}, status=400)


def test_two_hundred_concurrent_requests_lose_nothing(sandbox: Sandbox) -> None:
    product = sandbox.client.v1.products.create({"name": "Busy"})

    def touch(number: int) -> int:
        return sandbox.raw("POST", f"/v1/products/{product.id}", f"metadata[k{number % 40}]={number}").status_code

    with ThreadPoolExecutor(200) as threads:
        assert set(threads.map(touch, range(200))) == {200}
    metadata = sandbox.client.v1.products.retrieve(product.id).metadata
    assert len(metadata.to_dict()) == 40
    updates = [event for event in sandbox.look("events")["data"] if event["type"] == "product.updated"]
    assert len(updates) == 200
