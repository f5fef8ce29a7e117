"""The billing portal by its API: configurations, sessions, and what a session may be for."""

from typing import Any

import pytest
import stripe

from .conftest import Sandbox
from .money import told
from .support import customer_with_card, product_with_price


def offering(sandbox: Sandbox, product: str, *prices: str) -> stripe.billing_portal.Configuration:
    features: Any = {
        "subscription_cancel": {"enabled": True, "mode": "immediately", "proration_behavior": "create_prorations"},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "proration_behavior": "always_invoice",
            "products": [{"product": product, "prices": list(prices)}],
        },
    }
    return sandbox.client.v1.billing_portal.configurations.create({"features": features})


def test_a_session_leads_to_the_portal(shared: Sandbox) -> None:
    v1 = shared.client.v1
    customer = v1.customers.create({})
    params: Any = {"customer": customer.id, "return_url": "http://127.0.0.1:9/account", "locale": "es"}
    session = v1.billing_portal.sessions.create(params)
    assert session.url == f"{shared.url}/p/session/{session.id}"
    assert (session.customer, session.return_url, session.locale, session.flow) == (
        customer.id,
        "http://127.0.0.1:9/account",
        "es",
        None,
    )
    configuration = v1.billing_portal.configurations.retrieve(str(session.configuration))
    assert (configuration.is_default, configuration.active) == (True, True)
    assert configuration.features.subscription_cancel.mode == "at_period_end"
    again = v1.billing_portal.sessions.create({"customer": customer.id})
    assert again.configuration == configuration.id
    assert told(shared, session.id) == ["billing_portal.session.created"]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        v1.billing_portal.sessions.create({"customer": "cus_none"})
    with pytest.raises(stripe.InvalidRequestError) as error:
        v1.billing_portal.sessions.create({})
    assert error.value.code == "parameter_missing"
    with pytest.raises(stripe.InvalidRequestError, match="deactivate the default"):
        v1.billing_portal.configurations.update(configuration.id, {"active": False})


def test_configurations(shared: Sandbox) -> None:
    v1 = shared.client.v1
    api = v1.billing_portal.configurations
    product, price = product_with_price(shared)
    made = offering(shared, product.id, price.id)
    feature: Any = made.features.subscription_update
    assert [(each.product, each.prices) for each in feature.products] == [(product.id, [price.id])]
    assert feature.products[0].adjustable_quantity.enabled is False
    assert made.features.customer_update.enabled is False
    profile: Any = {"business_profile": {"headline": "Ours"}, "default_return_url": "http://127.0.0.1:9/"}
    changed = api.update(made.id, {**profile, "features": {"invoice_history": {"enabled": True}}})
    assert (changed.business_profile.headline, changed.default_return_url) == ("Ours", "http://127.0.0.1:9/")
    assert changed.features.invoice_history.enabled is True
    assert changed.features.subscription_update.enabled is True
    session = v1.billing_portal.sessions.create({"customer": v1.customers.create({}).id, "configuration": made.id})
    assert session.return_url == "http://127.0.0.1:9/"
    assert api.update(made.id, {"active": False}).active is False
    assert made.id not in [found.id for found in api.list({"active": True, "limit": 100}).data]
    with pytest.raises(stripe.InvalidRequestError, match="not active"):
        v1.billing_portal.sessions.create({"customer": session.customer, "configuration": made.id})
    assert told(shared, made.id) == [
        "billing_portal.configuration.created",
        "billing_portal.configuration.updated",
        "billing_portal.configuration.updated",
    ]


@pytest.mark.parametrize(
    ("duration", "options"),
    [
        ({"type": "indefinite"}, []),
        ({"type": "indefinite", "interval_options": ""}, []),
        ({"type": "interval_options", "interval_options": [{"interval": "month"}]}, [("month", 1)]),
        (
            {"type": "interval_options", "interval_options": [{"interval": "week", "interval_count": 2}]},
            [("week", 2)],
        ),
    ],
)
def test_a_pause_has_a_whole_duration_whatever_of_it_is_given(shared: Sandbox, duration: Any, options: Any) -> None:
    api = shared.client.v1.billing_portal.configurations
    wanted: Any = {"features": {"subscription_pause": {"duration": duration}}}
    for pause in (
        api.create(wanted).features.subscription_pause,
        api.update(
            api.create({"features": {"invoice_history": {"enabled": True}}}).id, wanted
        ).features.subscription_pause,
    ):
        kept: Any = pause.duration
        assert kept.type == duration["type"]
        assert [(each.interval, each.interval_count) for each in kept.interval_options] == options


def test_features_have_to_be_complete(shared: Sandbox) -> None:
    product, price = product_with_price(shared)
    other, _ = product_with_price(shared)
    update: Any = {"enabled": True, "default_allowed_updates": ["price"]}
    wrong: list[tuple[Any, str]] = [
        ({"subscription_update": update}, "features[subscription_update][products]"),
        ({"customer_update": {"enabled": True}}, "features[customer_update][allowed_updates]"),
        (
            {"subscription_update": {**update, "products": [{"product": other.id, "prices": [price.id]}]}},
            "features[subscription_update][products][0][prices][0]",
        ),
        ({"subscription_pause": {"enabled": True}}, "features[subscription_pause][enabled]"),
    ]
    for features, param in wrong:
        with pytest.raises(stripe.InvalidRequestError) as error:
            shared.client.v1.billing_portal.configurations.create({"features": features})
        assert error.value.param == param
    assert offering(shared, product.id, price.id).active is True


def test_flows_lead_to_one_thing(shared: Sandbox) -> None:
    v1 = shared.client.v1
    product, price = product_with_price(shared)
    yearly: Any = {"product": product.id, "currency": "usd", "unit_amount": 29000, "recurring": {"interval": "year"}}
    year = v1.prices.create(yearly)
    customer, _ = customer_with_card(shared)
    subscription: Any = v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    configuration = offering(shared, product.id, price.id, year.id)

    def session(flow: Any, **more: Any) -> Any:
        params: Any = {"customer": customer.id, "flow_data": flow, "configuration": configuration.id, **more}
        return v1.billing_portal.sessions.create(params)

    after: Any = {"type": "redirect", "redirect": {"return_url": "http://127.0.0.1:9/done"}}
    about = {"subscription": subscription.id}
    cancel = session({"type": "subscription_cancel", "subscription_cancel": about, "after_completion": after})
    assert cancel.flow.subscription_cancel.subscription == subscription.id
    assert cancel.flow.after_completion.redirect.return_url == "http://127.0.0.1:9/done"
    update = session({"type": "subscription_update", "subscription_update": about})
    assert (update.flow.type, update.flow.after_completion.type) == ("subscription_update", "portal_homepage")
    item = subscription["items"].data[0]
    confirming: Any = {**about, "items": [{"id": item.id, "price": year.id}]}
    confirm = session({"type": "subscription_update_confirm", "subscription_update_confirm": confirming})
    shown = confirm.flow.subscription_update_confirm["items"][0]
    assert (shown.id, shown.price, shown.quantity) == (item.id, year.id, 1)
    standard: Any = {"customer": customer.id, "flow_data": {"type": "payment_method_update"}}
    assert v1.billing_portal.sessions.create(standard).flow.type == "payment_method_update"


def test_flows_that_do_not_fit(shared: Sandbox) -> None:
    v1 = shared.client.v1
    product, price = product_with_price(shared)
    customer, _ = customer_with_card(shared)
    stranger, _ = customer_with_card(shared)
    subscription: Any = v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    about = {"subscription": subscription.id}
    configuration = offering(shared, product.id, price.id)
    item = subscription["items"].data[0]
    cases: list[tuple[str, str, Any, str]] = [
        (customer.id, "payment_method_update", None, "switched off"),
        (customer.id, "subscription_cancel", None, "Missing required param"),
        (stranger.id, "subscription_cancel", about, "not one of the customer's"),
        (
            customer.id,
            "subscription_update_confirm",
            {**about, "items": [{"id": item.id, "price": "price_other"}]},
            "offers",
        ),
        (
            customer.id,
            "subscription_update_confirm",
            {**about, "items": [{"id": "si_none", "price": price.id}]},
            "does not belong",
        ),
        (customer.id, "subscription_pause", about, "does not model"),
    ]
    for who, kind, data, message in cases:
        flow: Any = {"type": kind, **({kind: data} if data else {})}
        params: Any = {"customer": who, "flow_data": flow, "configuration": configuration.id}
        with pytest.raises(stripe.InvalidRequestError, match=message):
            v1.billing_portal.sessions.create(params)
    v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError, match="already set to be canceled"):
        v1.billing_portal.sessions.create(
            {
                "customer": customer.id,
                "flow_data": {"type": "subscription_cancel", "subscription_cancel": about},
            }
        )
