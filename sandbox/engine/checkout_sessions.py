"""Checkout sessions: open, complete or expired. Paying is in checkout_payment.py.

What the session does not show but needs later (subscription_data, tries of the payer) is kept beside
it under `_checkout`.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest, NotModelled, ResourceMissing, modelled
from . import agenda, prices
from .checkout_body import session_body
from .fields import list_object, web_address, where
from .subscriptions import priced_items
from .trials import end_after
from .work import Obj, Work, copied

KIND = "checkout.session"
ASIDE = "_checkout"
_KNOWN = {
    "mode", "line_items", "customer", "customer_email", "client_reference_id", "success_url",
    "cancel_url", "locale", "metadata", "subscription_data", "expires_at", "payment_method_collection",
    "allowed_payment_method_types", "customer_update", "billing_address_collection", "automatic_tax",
    "currency", "ui_mode", "submit_type", "phone_number_collection", "origin_context", "custom_text",
    "allow_promotion_codes", "saved_payment_method_options", "tax_id_collection", "adaptive_pricing",
    "payment_method_options", "integration_identifier",
}  # fmt: skip
_SUBSCRIPTION_DATA = {
    "metadata", "trial_period_days", "trial_end", "trial_settings", "description", "billing_mode",
    "proration_behavior",
}  # fmt: skip
_SHORTEST, _LONGEST = 30 * 60, 24 * 3600


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/checkout/sessions, mode subscription, ui_mode hosted_page.

    InvalidRequest for what Stripe refuses: no recurring price, an inactive price, an expiry outside of
    30 minutes to 24 hours, both customer and customer_email, no success_url.
    """
    _check(work, params)
    items = _priced(work, params["line_items"])
    data = params.get("subscription_data", {})
    modelled(data, _SUBSCRIPTION_DATA, "subscription_data")
    trial_end = end_after(
        work, data.get("trial_period_days"), data.get("trial_end"), "subscription_data[trial_period_days]"
    )
    session = session_body(work, params, _totals(items, trial=trial_end is not None))
    work.add(KIND, session)
    agenda.put(work, "checkout.session.expire", session["id"], session["expires_at"])
    work.add(
        ASIDE,
        {
            "id": session["id"],
            "line_items": [_line_item(work, *item) for item in items],
            "subscription_data": copied(data),
            "customer_update": copied(params.get("customer_update", {})),
            "intent": None,
            "method": None,
            "payer": None,
        },
    )
    return session


def retrieve(work: Work, _params: Obj, session_id: str) -> Obj:
    """GET /v1/checkout/sessions/{id}; one whose time is over expires at this moment at the latest."""
    session = work.read(KIND, session_id)
    if session["status"] == "open" and session["expires_at"] <= work.now:
        return _expired(work, session_id)
    return session


def expire(work: Work, _params: Obj, session_id: str) -> Obj:
    """POST /v1/checkout/sessions/{id}/expire: open sessions only."""
    session = retrieve(work, {}, session_id)
    if session["status"] != "open":
        raise InvalidRequest(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            f"status of {session['status']}."
        )
    return _expired(work, session_id)


def expire_due(work: Work, session_id: str) -> None:
    """Expires a session whose time is over, if it is open still; emits checkout.session.expired."""
    if work.read(KIND, session_id)["status"] == "open":
        _expired(work, session_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/checkout/sessions."""
    email = params.get("customer_details", {}).get("email")
    for session in where(
        work.all(KIND), params, "customer", "payment_intent", "status", "subscription", "payment_link"
    ):
        if email is None or (session["customer_details"] or {}).get("email") == email:
            yield session


def line_items(work: Work, _params: Obj, session_id: str) -> Iterator[Obj]:
    """GET /v1/checkout/sessions/{id}/line_items."""
    work.read(KIND, session_id)
    return iter(work.read(ASIDE, session_id)["line_items"])


def line_items_list(work: Work, session: Obj) -> Obj:
    """The list that `expand[]=line_items` puts into the session."""
    items = list(line_items(work, {}, session["id"]))
    return list_object(items, f"/v1/checkout/sessions/{session['id']}/line_items")


def trial_end_of(work: Work, session_id: str) -> int | None:
    """When the trial of a subscription that starts now would end."""
    data = work.read(ASIDE, session_id)["subscription_data"]
    return end_after(work, data.get("trial_period_days"), data.get("trial_end"), "subscription_data")


def _expired(work: Work, session_id: str) -> Obj:
    session = work.edit(KIND, session_id)
    agenda.drop(work, "checkout.session.expire", session_id)
    session.update(status="expired", url=None)
    work.emit("checkout.session.expired", session)
    return session


def _check(work: Work, params: Obj) -> None:
    _check_modelled(params)
    for name in ("success_url", "line_items"):
        if not params.get(name):
            raise InvalidRequest(f"Missing required param: {name}.", code="parameter_missing", param=name)
    for name in ("success_url", "cancel_url"):
        if name in params:
            web_address(params[name], name)
    if len(params.get("client_reference_id", "")) > 200:
        raise InvalidRequest("client_reference_id has at most 200 characters.", param="client_reference_id")
    _check_payer(work, params)
    _check_expiry(work, params.get("expires_at"))


def _check_modelled(params: Obj) -> None:
    modelled(params, _KNOWN, "Checkout sessions")
    if "mode" not in params:
        raise InvalidRequest("Missing required param: mode.", code="parameter_missing", param="mode")
    if params["mode"] != "subscription":
        raise NotModelled(f"mode={params['mode']}", param="mode")
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise NotModelled(f"ui_mode={params['ui_mode']}", param="ui_mode")
    if params.get("allow_promotion_codes"):
        raise NotModelled("promotion codes", param="allow_promotion_codes")
    if "card" not in params.get("allowed_payment_method_types", ["card"]):
        raise NotModelled("payment methods other than card", param="allowed_payment_method_types")


def _check_payer(work: Work, params: Obj) -> None:
    if "customer" in params and "customer_email" in params:
        raise InvalidRequest("You may only specify one of these parameters: customer, customer_email.")
    if "customer" in params:
        work.edit("customer", params["customer"], param="customer")
    elif "customer_update" in params:
        raise InvalidRequest("`customer_update` can only be used with `customer`.", param="customer_update")


def _check_expiry(work: Work, expires_at: int | None) -> None:
    if expires_at is None:
        return
    # A few seconds of grace, as the request needs time to arrive.
    if expires_at < work.now + _SHORTEST - 10:
        raise InvalidRequest(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > work.now + _LONGEST + 10:
        raise InvalidRequest(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )


def _priced(work: Work, given: list[Obj]) -> list[tuple[Obj, int, Obj]]:
    items = []
    for index, item in enumerate(given):
        here = f"line_items[{index}]"
        modelled(item, {"price", "price_data", "quantity", "metadata"}, "line_items")
        if "price_data" in item:
            price = prices.create(work, item["price_data"])
            item = {
                **{key: value for key, value in item.items() if key != "price_data"},
                "price": price["id"],
            }
        if "quantity" not in item:
            raise InvalidRequest(
                f"Quantity is required. Add `quantity` to `{here}`", code="parameter_missing", param=here
            )
        if item["quantity"] < 1:
            raise InvalidRequest("This value must be greater than or equal to 1.", param=f"{here}[quantity]")
        items.append(item)
    priced = priced_items(work, items, "line_items")
    if all(price["recurring"] is None for price, _, _ in priced):
        raise InvalidRequest(
            "You must provide at least one recurring price in `subscription` mode when using prices.",
            param="line_items",
        )
    if any(price["recurring"] is None for price, _, _ in priced):
        raise NotModelled("one-time prices beside a subscription", param="line_items")
    return priced


def _totals(items: list[tuple[Obj, int, Obj]], *, trial: bool) -> Obj:
    total = sum(prices.amount_of(price, quantity) for price, quantity, _ in items)
    # What Checkout shows as total is what is due today: nothing while the trial runs.
    return {"currency": items[0][0]["currency"], "due": 0 if trial else total}


def _line_item(work: Work, price: Obj, quantity: int, metadata: Obj) -> Obj:
    amount = prices.amount_of(price, quantity)
    return {
        "id": work.new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": work.read("product", price["product"])["name"],
        "metadata": metadata,
        "price": copied(price),
        "quantity": quantity,
    }


def own(work: Work, session_id: str) -> Obj:
    """The open session for paying; ResourceMissing for none, InvalidRequest when it is not open."""
    if work.find(KIND, session_id) is None:
        raise ResourceMissing("checkout.session", session_id)
    session = retrieve(work, {}, session_id)
    if session["status"] != "open":
        raise InvalidRequest(f"This Checkout Session is {session['status']}.")
    return work.edit(KIND, session_id)
