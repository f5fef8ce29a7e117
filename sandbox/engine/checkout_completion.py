"""Completing a Checkout session, by mode: the subscription, the payment or the saved method, and the customer."""

from . import (
    agenda,
    charges,
    checkout_discounts,
    checkout_invoices,
    checkout_plans,
    collection,
    customers,
    discounts,
    letterheads,
    payment_intents,
    payment_methods,
    setup_intents,
    subscriptions,
    tax_ids,
)
from .discounts import Owner
from .payment_intent_body import options_for
from .work import Obj, Work, copied

_INTENT_TERMS = (
    "capture_method", "metadata", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix",
)  # fmt: skip
_PAID = {"succeeded": "paid", "processing": "unpaid", "requires_capture": "unpaid"}


def complete(work: Work, session: Obj, *, authenticated: bool = False) -> Obj:
    """Does what was bought and ends the session; emits checkout.session.completed.

    The method is known to be taken: nothing is refused any more.
    """
    customer = _customer(work, session)
    session["customer"] = None if customer is None else customer["id"]
    if session["mode"] == "subscription":
        status = _subscribe(work, session, authenticated=authenticated)
    elif session["mode"] == "payment":
        status = _pay(work, session, authenticated=authenticated)
    else:
        status = _save(work, session)
    agenda.drop(work, "checkout.session.expire", session["id"])
    session.update(status="complete", url=None, payment_status=status)
    _describe_payer(session, customer)
    work.emit("checkout.session.completed", session)
    return session


def payment_intent(work: Work, session: Obj, amount: int) -> Obj:
    """A new intent over what is due (minor units), described as the session says."""
    currency, customer, types = session["currency"], session["customer"], session["payment_method_types"]
    common = {"payment_method_types": types, "payment_method_options": options_for(types)}
    if session["mode"] == "subscription":
        return payment_intents.create(work, amount, currency, customer, "Subscription creation", **common)
    data = copied(session["_"]["payment_intent_data"])
    if "shipping" in data:
        data["shipping"] = charges.shipping(data["shipping"])
    terms = {"setup_future_usage": None, **{name: data[name] for name in _INTENT_TERMS if name in data}, **common}
    return payment_intents.create(work, amount, currency, customer, data.get("description"), **terms)


def _subscribe(work: Work, session: Obj, *, authenticated: bool) -> str:
    customer_id, method_id = session["customer"], session["_"]["method"]
    intent_id = session["_"]["intent"]
    paying = intent_id if intent_id is not None and intent_id.startswith("pi_") else None
    if method_id is not None:
        _keep(work, method_id, customer_id)
    if intent_id is not None:
        kind = payment_intents.KIND if paying else setup_intents.KIND
        work.edit(kind, intent_id)["customer"] = customer_id
    start = checkout_plans.start_of(work, session, customer_id, method_id)
    start.discounts = checkout_discounts.entries_of(session)
    start.once = checkout_invoices.items_paid_once(work, session)
    subscription, invoice = subscriptions.start(work, start, intent_id=paying)
    session.update(subscription=subscription["id"], invoice=None if invoice is None else invoice["id"])
    for discount_id in subscription["discounts"]:
        checkout_discounts.redeemed(work, session, work.read(discounts.KIND, discount_id))
    if invoice is None or not invoice["amount_due"]:
        return "no_payment_required"
    intent = collection.collect(work, invoice["id"], method_id, authenticated=authenticated, off_session=False)
    return _PAID[intent["status"]]


def _pay(work: Work, session: Obj, *, authenticated: bool) -> str:
    intent_id, method_id = session["_"]["intent"], session["_"]["method"]
    _redeem(work, session)
    status = "no_payment_required"
    if intent_id is not None:
        usage = _future_usage(work, session)
        work.edit(payment_intents.KIND, intent_id).update(customer=session["customer"], setup_future_usage=usage)
        if session["customer"] is not None and (usage or session["_"]["payer"]["saves"]):
            _keep(work, method_id, session["customer"])
        intent = payment_intents.confirm(work, intent_id, method_id, authenticated=authenticated, off_session=False)
        session["payment_intent"] = intent_id
        status = _PAID[intent["status"]]
    if session["invoice_creation"]["enabled"]:
        session["invoice"] = checkout_invoices.invoice_for(work, session)["id"]
    return status


def _save(work: Work, session: Obj) -> str:
    if session["customer"] is not None:
        work.edit(setup_intents.KIND, session["_"]["intent"])["customer"] = session["customer"]
        _keep(work, session["_"]["method"], session["customer"])
    return "no_payment_required"


def _redeem(work: Work, session: Obj) -> None:
    """The session's discount is used up by the payment."""
    owner = Owner(session["customer"], checkout_session=session["id"])
    entries = checkout_discounts.entries_of(session)
    for discount_id in discounts.resolve(
        work, entries, owner, currency=session["currency"], amount=session["amount_subtotal"]
    ):
        checkout_discounts.redeemed(work, session, work.read(discounts.KIND, discount_id))


def _future_usage(work: Work, session: Obj) -> str | None:
    """What the shop wants to use the method of a payment for later; what it says for its type wins."""
    kind = work.read(payment_methods.KIND, session["_"]["method"])["type"]
    own: str | None = session["payment_method_options"].get(kind, {}).get("setup_future_usage")
    general: str | None = session["_"]["payment_intent_data"].get("setup_future_usage")
    return None if own == "none" else own or general


def _keep(work: Work, method_id: str, customer_id: str) -> None:
    if work.read(payment_methods.KIND, method_id)["customer"] is None:
        payment_methods.attach_now(work, method_id, customer_id)


def _customer(work: Work, session: Obj) -> Obj | None:
    """Who pays, with the tax ids that were typed."""
    customer = _brought_up_to_date(work, session)
    if customer is not None:
        known = letterheads.tax_ids(work, customer["id"])
        for each in session["_"]["payer"]["tax_ids"]:
            if each not in known:
                tax_ids.add(work, customer["id"], each["type"], each["value"], param="tax_id")
    return customer


def _brought_up_to_date(work: Work, session: Obj) -> Obj | None:
    """Who pays: the known customer, brought up to date as the session says, or a new one where one is needed."""
    payer = session["_"]["payer"]
    if session["customer"] is None:
        if session["customer_creation"] == "if_required" and not _needs_customer(session):
            return None
        given = {name: payer[name] for name in ("email", "name", "phone", "address")}
        if payer["business_name"]:
            given.update(name=payer["business_name"], business_name=payer["business_name"])
        return customers.create(work, {name: value for name, value in given.items() if value})
    updates = session["_"]["customer_update"]
    wanted = {name: payer[name] for name in ("name", "address") if updates.get(name) == "auto" and payer[name]}
    if updates.get("name") == "auto" and payer["business_name"]:
        wanted["name"] = payer["business_name"]
    if payer["phone"]:
        wanted["phone"] = payer["phone"]
    known = work.edit("customer", session["customer"])
    if known["email"] is None:
        wanted["email"] = payer["email"]
    return customers.update(work, wanted, known["id"]) if wanted else known


def _needs_customer(session: Obj) -> bool:
    """An invoice and a method that the payer wants to see again belong to somebody."""
    invoices = session["mode"] == "payment" and session["invoice_creation"]["enabled"]
    return bool(invoices or session["_"]["payer"]["saves"])


def _describe_payer(session: Obj, customer: Obj | None) -> None:
    payer = session["_"]["payer"]
    known = customer or {"name": None, "phone": None, "tax_exempt": "none"}
    session["customer_details"] = {
        "address": copied(payer["address"]),
        "business_name": payer["business_name"],
        "email": payer["email"],
        "individual_name": None,
        "name": payer["name"] or known["name"],
        "phone": payer["phone"] or known["phone"],
        "tax_exempt": known["tax_exempt"],
        "tax_ids": copied(payer["tax_ids"]),
    }
    if payer["business_name"]:
        session["collected_information"] = {
            "business_name": payer["business_name"],
            "individual_name": None,
            "shipping_details": None,
        }
    if (session["consent_collection"] or {}).get("terms_of_service") == "required":
        session["consent"] = {"promotions": None, "terms_of_service": "accepted"}
