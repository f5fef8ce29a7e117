"""The order on the Checkout page: discounts, promotion codes, taxes; and what the page asks besides."""

import uuid
from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .shopping import opened, press, priced, read, send, session_for, settle, text_of


def coupon(sandbox: Sandbox, **terms: Any) -> str:
    return sandbox.client.v1.coupons.create({"percent_off": 25, "duration": "forever", **terms}).id


def promotion(sandbox: Sandbox, coupon_id: str, **more: Any) -> stripe.PromotionCode:
    code = f"CODE{uuid.uuid4().hex[:8]}"
    return sandbox.client.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon_id}, "code": code, **more}
    )


@pytest.mark.parametrize("by_code", [False, True])
def test_the_shops_own_discount(shared: Sandbox, by_code: bool) -> None:
    coupon_id = coupon(shared, name="Quarter", duration="repeating", duration_in_months=3)
    code = promotion(shared, coupon_id)
    entry: Any = {"promotion_code": code.id} if by_code else {"coupon": coupon_id}
    session = session_for(shared, "subscription", priced(shared, 2000), discounts=[entry])
    assert (session.amount_subtotal, session.amount_total) == (2000, 1500)
    assert session.discounts is not None
    assert session.discounts[0].to_dict() == {"coupon": None, "promotion_code": None, **entry}
    shown = text_of(opened(session))
    assert "25% off for 3 months" in shown
    assert "−$5.00" in shown
    assert "Add promotion code" not in shown
    assert "Remove" not in shown
    assert shared.client.v1.coupons.retrieve(coupon_id).times_redeemed == 0
    settle(shared, session.id)
    done = read(shared, session.id, "total_details.breakdown", "subscription.discounts", "invoice")
    assert shared.client.v1.coupons.retrieve(coupon_id).times_redeemed == 1
    assert shared.client.v1.promotion_codes.retrieve(code.id).times_redeemed == int(by_code)
    redeemed = done.subscription.discounts[0]
    assert (redeemed.checkout_session, redeemed.source.coupon) == (session.id, coupon_id)
    assert redeemed.promotion_code == (code.id if by_code else None)
    breakdown = done.total_details.breakdown.discounts
    assert [(each.amount, each.discount.id) for each in breakdown] == [(500, redeemed.id)]
    assert (done.invoice.total, done.invoice.discounts) == (1500, [redeemed.id])


def test_a_payer_enters_a_code_and_takes_it_back(shared: Sandbox) -> None:
    code = promotion(shared, coupon(shared))
    session = session_for(shared, "payment", priced(shared, 2000, recurring=False), allow_promotion_codes=True)
    assert "Add promotion code" in text_of(opened(session))
    assert send(session, "/code", code=f" {code.code.lower()} ").status_code == 303
    assert (read(shared, session.id).amount_total, read(shared, session.id).discounts[0].promotion_code) == (
        1500, code.id,
    )  # fmt: skip
    shown = text_of(opened(session))
    assert f"Remove {code.code}" in shown
    assert "Pay $15.00" in shown
    assert send(session, "/code", remove="1").status_code == 303
    assert (read(shared, session.id).amount_total, read(shared, session.id).discounts) == (2000, [])
    send(session, "/code", code=code.code)
    assert press(session).status_code == 303
    done = read(shared, session.id, "payment_intent", "line_items.data.discounts")
    assert done.payment_intent.amount_received == 1500
    assert done.line_items.data[0].discounts[0].discount.promotion_code == code.id
    assert shared.client.v1.promotion_codes.retrieve(code.id).times_redeemed == 1


@pytest.mark.parametrize(
    ("terms", "restrictions", "sentence"),
    [
        (None, {}, "This code is invalid."),
        ({}, {"minimum_amount": 5000, "minimum_amount_currency": "usd"}, "below this code's minimum"),
        ({}, {"minimum_amount": 500, "minimum_amount_currency": "eur"}, "does not apply to this order"),
        ({}, {"first_time_transaction": True}, "for first purchases only"),
        ({"applies_to": {}}, {}, "does not apply to this order"),
        ({"percent_off": None, "amount_off": 1980, "currency": "usd"}, {}, "does not apply to this order"),
        ({"max_redemptions": 0}, {}, "has expired or was used up"),
    ],
)  # fmt: skip
def test_codes_that_do_not_fit(
    shared: Sandbox, terms: dict[str, Any] | None, restrictions: dict[str, Any], sentence: str
) -> None:
    v1 = shared.client.v1
    price = priced(shared, 2000, recurring=False)
    customer = v1.customers.create({"email": "code@example.com"})
    settle(shared, session_for(shared, "payment", price, customer=customer.id).id)
    word = "NOSUCHCODE"
    if terms is not None:
        used_up = terms.pop("max_redemptions", None) == 0
        if "applies_to" in terms:
            terms["applies_to"] = {"products": [v1.products.create({"name": "Other"}).id]}
        given = {name: value for name, value in {"percent_off": 25, **terms}.items() if value is not None}
        more = {"restrictions": restrictions} if restrictions else {}
        code = promotion(shared, v1.coupons.create(given).id, **more)
        word = code.code
        if used_up:
            v1.promotion_codes.update(code.id, {"active": False})
    session = session_for(shared, "payment", price, customer=customer.id, allow_promotion_codes=True)
    refused = send(session, "/code", code=word)
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert f'value="{word}"' in refused.text
    assert 'aria-describedby="code-problem"' in refused.text
    assert read(shared, session.id).amount_total == 2000


def test_a_code_goes_when_the_order_falls_below_its_minimum(shared: Sandbox) -> None:
    restrictions: Any = {"minimum_amount": 5000, "minimum_amount_currency": "usd"}
    code = promotion(shared, coupon(shared), restrictions=restrictions)
    items: Any = [{"price": priced(shared, 2000), "quantity": 3, "adjustable_quantity": {"enabled": True}}]
    session = session_for(shared, "subscription", line_items=items, allow_promotion_codes=True)
    send(session, "/code", code=code.code)
    assert read(shared, session.id).amount_total == 4500
    line: Any = shared.client.v1.checkout.sessions.line_items.list(session.id).data[0]
    send(session, "/quantities", **{line.id: "2"})
    assert (read(shared, session.id).amount_total, read(shared, session.id).discounts) == (4000, [])


def test_discounts_that_stripe_would_refuse(shared: Sandbox) -> None:
    price, coupon_id = priced(shared), coupon(shared)
    entry: Any = {"coupon": coupon_id}
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        session_for(shared, "subscription", price, discounts=[entry], allow_promotion_codes=True)
    with pytest.raises(stripe.InvalidRequestError, match="only apply one"):
        session_for(shared, "subscription", price, discounts=[entry, entry])
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        session_for(shared, "subscription", price, discounts=[{"coupon": "none"}])
    euros = shared.client.v1.coupons.create({"amount_off": 500, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="must match"):
        session_for(shared, "subscription", price, discounts=[{"coupon": euros.id}])


def test_a_code_that_runs_out_while_the_payer_types(shared: Sandbox) -> None:
    code = promotion(shared, coupon(shared), max_redemptions=1)
    price = priced(shared)
    first, second = (session_for(shared, "subscription", price, allow_promotion_codes=True) for _ in range(2))
    for session in (first, second):
        send(session, "/code", code=code.code)
    assert press(first).status_code == 303
    refused = press(second)
    assert refused.status_code == 422
    assert "no longer valid" in text_of(refused)
    assert read(shared, second.id).status == "open"
    send(second, "/code", remove="1")
    assert press(second).status_code == 303


def test_taxes_by_line_and_by_subscription(shared: Sandbox) -> None:
    v1 = shared.client.v1
    vat = v1.tax_rates.create({"display_name": "VAT", "percentage": 21, "inclusive": True})
    sales = v1.tax_rates.create({"display_name": "Sales tax", "percentage": 8.25, "inclusive": False})
    items: Any = [
        {"price": priced(shared, 1210), "quantity": 1, "tax_rates": [vat.id]},
        {"price": priced(shared, 1000), "quantity": 2},
    ]
    session = session_for(shared, "subscription", line_items=items, subscription_data={"default_tax_rates": [sales.id]})
    assert (session.amount_subtotal, session.amount_total) == (3210, 3375)
    assert session.total_details is not None
    assert session.total_details.amount_tax == 375
    shown = text_of(opened(session))
    assert "VAT (21%, included) $2.10" in shown
    assert "Sales tax (8.25%) $1.65" in shown
    assert "IVA" not in shown
    settle(shared, session.id)
    done = read(shared, session.id, "invoice", "line_items.data.taxes")
    assert [tax.amount for tax in done.invoice.total_taxes] == [165, 210]
    assert done.line_items.data[0].taxes[0].rate.id == vat.id
    with pytest.raises(stripe.InvalidRequestError, match="automatic_tax"):
        session_for(shared, "subscription", line_items=items, automatic_tax={"enabled": True})


def test_automatic_tax_follows_the_address(sandbox: Sandbox) -> None:
    sandbox.control("settings", {"tax_registrations": {"DE": 19}})
    session = session_for(sandbox, "subscription", priced(sandbox, 1000), automatic_tax={"enabled": True})
    assert session.automatic_tax.status == "requires_location_inputs"
    assert "Enter address" in text_of(opened(session))
    asked = press(session, country="de", postal_code="10115", total="1000")
    assert asked.status_code == 422
    assert "The total has changed" in text_of(asked)
    assert "VAT (19%) $1.90" in text_of(asked)
    assert press(session, country="de", postal_code="10115", total="1190").status_code == 303
    done = read(sandbox, session.id, "invoice", "customer")
    assert (done.automatic_tax.status, done.amount_total, done.invoice.total) == ("complete", 1190, 1190)
    assert done.customer.address.country == "DE"
    known = sandbox.client.v1.customers.create({"email": "k@example.com"})
    with pytest.raises(stripe.InvalidRequestError, match="valid address"):
        session_for(sandbox, "subscription", priced(sandbox), customer=known.id, automatic_tax={"enabled": True})


def test_what_the_page_asks_besides(shared: Sandbox) -> None:
    fields: Any = [
        {"key": "po", "type": "text", "label": {"type": "custom", "custom": "PO number"}, "optional": True},
        {"key": "seats", "type": "numeric", "label": {"type": "custom", "custom": "Seats"},
         "numeric": {"maximum_length": 3}},
        {"key": "team", "type": "dropdown", "label": {"type": "custom", "custom": "Team"},
         "dropdown": {"options": [{"label": "Red", "value": "red"}, {"label": "Blue", "value": "blue"}]}},
    ]  # fmt: skip
    session = session_for(
        shared,
        "subscription",
        priced(shared),
        custom_fields=fields,
        phone_number_collection={"enabled": True},
        tax_id_collection={"enabled": True},
        consent_collection={"terms_of_service": "required"},
        custom_text={"submit": {"message": "We ship at once."}},
    )
    shown = text_of(opened(session))
    for words in ("PO number (optional)", "Seats", "Team", "Phone number", "buying as a business", "We ship at once."):
        assert words in shown
    right = {
        "field.seats": "12", "field.team": "blue", "phone": "+49 30 1234567", "terms": "1", "business": "1",
        "business_name": "Acme GmbH", "tax_id_type": "eu_vat", "tax_id": "DE 123456789",
    }  # fmt: skip
    for name, wrong in (
        ("field.seats", ""), ("field.seats", "many"), ("field.seats", "1234"), ("field.team", "green"),
        ("phone", "call me"), ("terms", ""), ("tax_id", "?"),
    ):  # fmt: skip
        refused = press(session, **{**right, name: wrong})
        assert refused.status_code == 422, name
        assert f'aria-describedby="{name}-problem"' in refused.text
    assert press(session, **right).status_code == 303
    done = read(shared, session.id, "customer")
    assert [field.numeric.value for field in done.custom_fields if field.type == "numeric"] == ["12"]
    assert done.custom_fields[2].dropdown.value == "blue"
    assert done.customer_details.tax_ids[0].to_dict() == {"type": "eu_vat", "value": "DE123456789"}
    kept = shared.client.v1.customers.tax_ids.list(done.customer.id).data
    assert [(each.type, each.value) for each in kept] == [("eu_vat", "DE123456789")]
    assert (done.customer_details.business_name, done.customer.name) == ("Acme GmbH", "Acme GmbH")
    assert (done.customer_details.phone, done.customer.phone) == ("+49301234567", "+49301234567")
    assert done.consent.terms_of_service == "accepted"
