"""Checkout sessions: open, complete or expired. Paying is in checkout_payment.py.

What the session does not show but needs later is in its compartment `_` (checkout_body.py).
"""

from collections.abc import Iterator, Mapping

from ..errors import InvalidRequest, ResourceMissing, modelled
from . import (
    agenda,
    checkout_discounts,
    checkout_items,
    checkout_params,
    checkout_plans,
    checkout_recovery,
    checkout_totals,
    payment_intents,
    setup_intents,
)
from .checkout_body import session_body
from .fields import list_object, merged_metadata, where
from .money import check_largest, currency_code, formatted, smallest_charge
from .work import Obj, Work, copied

KIND = "checkout.session"
_EXPIRE = "checkout.session.expire"


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/checkout/sessions, ui_mode hosted_page, in the modes subscription, payment and setup.

    InvalidRequest for what Stripe refuses: see checkout_params.py, checkout_items.py, checkout_plans.py and
    checkout_discounts.py; more than Stripe charges at once, or in payment mode less than its smallest charge.
    """
    checkout_params.check(work, params)
    items = checkout_items.new_items(work, params)
    data = checkout_plans.checked(work, params)
    named = currency_code(params["currency"]) if "currency" in params else None
    currency = items[0]["currency"] if items else named
    _check_currency(work, params, currency)
    session = work.add(KIND, session_body(work, params, items, currency))
    session["_"].update(subscription_data=data, default_tax_rates=checkout_plans.default_rates(work, params))
    session["payment_method_types"] = checkout_params.method_types(params, currency)
    checkout_totals.refresh(work, session)
    checkout_discounts.given(work, session, params)
    _check_amount(session)
    checkout_recovery.remember(session, params)
    if session["mode"] == "setup":
        session["setup_intent"] = session["_"]["intent"] = _setup_intent(work, session)["id"]
    agenda.put(work, _EXPIRE, session["id"], session["expires_at"])
    return session


def retrieve(work: Work, _params: Obj, session_id: str) -> Obj:
    """GET /v1/checkout/sessions/{id}; one whose time is over expires at this moment at the latest."""
    session = work.read(KIND, session_id)
    if session["status"] == "open" and session["expires_at"] <= work.now:
        return _expired(work, session_id)
    return session


def update(work: Work, params: Obj, session_id: str) -> Obj:
    """POST /v1/checkout/sessions/{id}: metadata, at any time."""
    modelled(params, {"metadata"}, "updating a Checkout session")
    retrieve(work, {}, session_id)
    session = work.edit(KIND, session_id)
    session["metadata"] = merged_metadata(session["metadata"], params.get("metadata"))
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
    return iter(_items(work.read(KIND, session_id)))


def line_items_list(work: Work, session: Obj) -> Obj:
    """The list that `expand[]=line_items` puts into the session."""
    items = list(line_items(work, {}, session["id"]))
    return list_object(items, f"/v1/checkout/sessions/{session['id']}/line_items")


def line_item_details(work: Work, item: Obj, name: str) -> list[Obj]:
    """`taxes` or `discounts` of a line item, for `expand`."""
    for session in work.all(KIND):
        for own in _items(session):
            if own["id"] == item["id"]:
                found: list[Obj] = own["_"][name]
                return found
    return []


def total_details(work: Work, session: Obj) -> Obj | None:
    """`total_details` with its `breakdown`, for `expand`."""
    own = work.read(KIND, session["id"])
    if own["total_details"] is None:
        return None
    return {**own["total_details"], "breakdown": own.get("_", {}).get("breakdown", {"discounts": [], "taxes": []})}


def own(work: Work, session_id: str) -> Obj:
    """The open session for paying; ResourceMissing for none, InvalidRequest when it is not open."""
    if work.find(KIND, session_id) is None:
        raise ResourceMissing(KIND, session_id)
    session = retrieve(work, {}, session_id)
    if session["status"] != "open":
        raise InvalidRequest(f"This Checkout Session is {session['status']}.", code="session_not_open")
    return work.edit(KIND, session_id)


def apply_code(work: Work, session_id: str, code: str) -> Obj:
    """The payer enters a promotion code; InvalidRequest says why not."""
    session = own(work, session_id)
    checkout_discounts.apply_code(work, session, code)
    return session


def remove_code(work: Work, session_id: str) -> Obj:
    """The payer takes his promotion code back."""
    session = own(work, session_id)
    checkout_discounts.remove_code(work, session)
    return session


def change_quantities(work: Work, session_id: str, wanted: Mapping[str, int]) -> Obj:
    """The payer sets quantities by line item id. InvalidRequest: fixed, out of bounds, or nothing would be left."""
    session = own(work, session_id)
    for item in session["_"]["items"]:
        if item["id"] in wanted and wanted[item["id"]] != item["quantity"]:
            checkout_items.set_quantity(item, wanted[item["id"]])
    if all(item["quantity"] == 0 for item in session["_"]["items"]):
        raise InvalidRequest("At least one item must stay.", param="quantity")
    checkout_totals.refresh(work, session)
    checkout_discounts.recheck(work, session)
    check_largest(session["amount_total"], session["currency"], param="quantity")
    return session


def open_again(work: Work, session_id: str) -> Obj:
    """Recovers an expired session by its recovery address: a new one like it. ResourceMissing when it has none."""
    params = checkout_recovery.params_of(work, work.read(KIND, session_id))
    session = create(work, params)
    session["recovered_from"] = session_id
    return session


def cancel_intent(work: Work, intent_id: str, reason: str) -> None:
    """What the payer's tries left unpaid can be paid no more."""
    if intent_id.startswith("pi_"):
        payment_intents.cancel(work, intent_id, reason)
    else:
        setup_intents.cancel(work, intent_id, reason)


def _items(session: Obj) -> list[Obj]:
    """The session's line items; a session of a state from before they were kept with it has none."""
    found: list[Obj] = session.get("_", {}).get("items", [])
    return found


def _expired(work: Work, session_id: str) -> Obj:
    session = work.edit(KIND, session_id)
    agenda.drop(work, _EXPIRE, session_id)
    session.update(status="expired", url=None)
    checkout_recovery.offer(work, session)
    if session["_"]["intent"] is not None:
        cancel_intent(work, session["_"]["intent"], "abandoned")
    work.emit("checkout.session.expired", session)
    return session


def _setup_intent(work: Work, session: Obj) -> Obj:
    data, types = session["_"]["setup_intent_data"], session["payment_method_types"]
    return setup_intents.create(
        work,
        session["customer"],
        description=data.get("description"),
        metadata=copied(data.get("metadata", {})),
        payment_method_options=setup_intents.setup_options_for(types),
        payment_method_types=types,
    )


def _check_currency(work: Work, params: Obj, currency: str | None) -> None:
    """A customer is billed in one currency only."""
    if params["mode"] != "subscription" or "customer" not in params:
        return
    own = work.read("customer", params["customer"])["currency"]
    if own not in (None, currency):
        raise InvalidRequest(
            "You cannot combine currencies on a single customer. This customer has an active subscription, "
            f"discount, or invoice items with currency {own}.",
            param="line_items",
        )


def _check_amount(session: Obj) -> None:
    """Neither more than can be charged at once nor, in payment mode, less than can be charged."""
    if session["mode"] != "setup":
        check_largest(session["amount_total"], session["currency"], param="line_items")
    if session["mode"] != "payment" or not 0 < session["amount_total"] < smallest_charge(session["currency"]):
        return
    least = formatted(smallest_charge(session["currency"]), session["currency"])
    raise InvalidRequest(
        f"The Checkout Session's total amount due must add up to at least {least}.",
        code="amount_too_small",
        param="line_items",
    )
