"""Payment methods: cards, bank accounts and PayPal, attached to a customer or waiting for one.

Numbers are never stored with the object; `_card` keeps which test card or account stands behind it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from .. import bank_accounts, cards
from ..bank_accounts import Account
from ..cards import Card, Decline
from ..errors import CardRefused, InvalidRequest, ResourceMissing, modelled
from . import mandates, payment_method_bodies
from .fields import address, cleared, merged_metadata, new_metadata, where
from .work import Obj, Work, copied

KIND = "payment_method"
# Methods whose payments take days, and those where the payer approves each on a page of their own.
DELAYED = frozenset(("us_bank_account", "sepa_debit"))
REDIRECTS = frozenset(("paypal",))
TYPES = ("card", "us_bank_account", "sepa_debit", "paypal")
_BEHIND = "_card"
_BILLING = ("email", "name", "phone", "tax_id")
_SPENT = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, or was "
    "detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach "
    "it to a Customer first."
)


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/payment_methods: a card by number or token, a bank account, or PayPal.

    CardRefused for a number that is no test number; InvalidRequest for an account that is none.
    """
    modelled(params, {*TYPES, "type", "billing_details", "metadata", "allow_redisplay"}, "payment methods")
    kind = params.get("type", "")
    if kind not in TYPES or (kind not in params and kind != "paypal"):
        wanted = ", ".join(TYPES)
        raise InvalidRequest(f"Give a `type` with its details; the sandbox knows {wanted}.", param=kind or "type")
    if kind == "card":
        method = _new_card(work, params["card"])
    elif kind == "paypal":
        method = _add(work, payment_method_bodies.of_paypal(work, work.new_id("pm")), "paypal")
    else:
        method = _new_account(work, kind, params)
    _assign(method, params)
    return method


def retrieve(work: Work, _params: Obj, payment_method_id: str) -> Obj:
    """GET /v1/payment_methods/{id}; the ready-made ids (pm_card_visa, pm_usBankAccount_success) answer too."""
    ready_made = _ready_made(payment_method_id)
    if ready_made is not None:
        return _body(work, ready_made, payment_method_id)
    return work.read(KIND, payment_method_id)


def retrieve_of_customer(work: Work, _params: Obj, customer_id: str, payment_method_id: str) -> Obj:
    """GET /v1/customers/{customer}/payment_methods/{id}."""
    work.edit("customer", customer_id)
    method = work.read(KIND, payment_method_id)
    if method["customer"] != customer_id:
        raise ResourceMissing("PaymentMethod", payment_method_id)
    return method


def update(work: Work, params: Obj, payment_method_id: str) -> Obj:
    """POST /v1/payment_methods/{id}: billing details, expiry, kind of account and metadata of an attached method."""
    modelled(params, {"allow_redisplay", "billing_details", "card", "metadata", "us_bank_account"}, "payment methods")
    method = work.edit(KIND, payment_method_id)
    if method["customer"] is None:
        raise InvalidRequest("You must save this PaymentMethod to a customer before you can update it.")
    before = copied(method)
    for kind, names in (
        ("card", ("exp_month", "exp_year")),
        ("us_bank_account", ("account_holder_type", "account_type")),
    ):
        given = params.get(kind, {})
        if given and method["type"] != kind:
            raise InvalidRequest(f"This PaymentMethod is not a {kind}.", param=kind)
        method.get(kind, {}).update({name: given[name] for name in names if name in given})
    _assign(method, params)
    work.emit_updated("payment_method.updated", before, method)
    return method


def attach(work: Work, params: Obj, payment_method_id: str) -> Obj:
    """POST /v1/payment_methods/{id}/attach.

    CardRefused when the card refuses to be saved (the decline cards; 0341 attaches and fails later);
    InvalidRequest when it belongs to another customer or was detached before.
    """
    if "customer" not in params:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = work.edit("customer", params["customer"], param="customer")
    method = usable(work, payment_method_id)
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] is not None:
        raise InvalidRequest("The payment method you provided has already been attached to a customer.")
    if method["type"] == "paypal" and not _behind(work, method["id"])["set_up"]:
        raise InvalidRequest(
            "PayPal is attached by a SetupIntent, or by a PaymentIntent with `setup_future_usage`, that its "
            "payer approved."
        )
    refusal = refusal_to_attach(work, method["id"])
    if refusal is not None:
        raise refused(refusal)
    return attach_now(work, method["id"], customer["id"])


def attach_now(work: Work, payment_method_id: str, customer_id: str) -> Obj:
    """Makes the method the customer's, whatever it is; emits payment_method.attached."""
    method = work.edit(KIND, payment_method_id)
    method["customer"] = customer_id
    work.emit("payment_method.attached", method)
    return method


def detach(work: Work, _params: Obj, payment_method_id: str) -> Obj:
    """POST /v1/payment_methods/{id}/detach: for good; defaults that named it are cleared."""
    method = work.edit(KIND, payment_method_id)
    customer_id = method["customer"]
    if customer_id is None:
        raise InvalidRequest(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    _forget_defaults(work, customer_id, payment_method_id)
    method["customer"] = None
    work.edit(_BEHIND, payment_method_id)["detached"] = True
    mandates.end_of_method(work, payment_method_id)
    work.emit("payment_method.detached", method, {"customer": customer_id})
    return method


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/payment_methods: attached ones, of one `customer` when named."""
    if "customer" in params:
        work.read("customer", params["customer"], param="customer")
    for method in where(work.all(KIND), params, "customer", "type", "allow_redisplay"):
        if method["customer"] is not None:
            yield method


def listing_of_customer(work: Work, params: Obj, customer_id: str) -> Iterator[Obj]:
    """GET /v1/customers/{id}/payment_methods."""
    work.edit("customer", customer_id)
    return where(work.all(KIND), {**params, "customer": customer_id}, "customer", "type", "allow_redisplay")


def usable(work: Work, payment_method_id: str, *, param: str | None = None) -> Obj:
    """The method for attaching or paying; a ready-made id becomes a new method.

    ResourceMissing; InvalidRequest when it was detached or spent on a payment without a customer.
    """
    ready_made = _ready_made(payment_method_id)
    if isinstance(ready_made, Card):
        return from_card(work, ready_made)
    if ready_made is not None:
        return from_account(work, ready_made)
    method = work.edit(KIND, payment_method_id, param=param)
    behind = _behind(work, payment_method_id)
    if method["customer"] is None and (behind.get("detached") or behind.get("spent")):
        raise InvalidRequest(_SPENT, param=param)
    return method


def from_card(work: Work, card: Card, exp_month: int | None = None, exp_year: int | None = None) -> Obj:
    """A new, unattached payment method for a test card; without an expiry, one some years ahead."""
    method = payment_method_bodies.of_card(work, card, work.new_id("pm"))
    method["card"]["exp_month"] = exp_month or method["card"]["exp_month"]
    method["card"]["exp_year"] = exp_year or method["card"]["exp_year"]
    return _add(work, method, card.number)


def from_account(work: Work, account: Account) -> Obj:
    """A new, unattached payment method for a test bank account."""
    method = payment_method_bodies.of_account(work, account, work.new_id("pm"))
    method["billing_details"]["name"] = "Jenny Sandbox"
    if account.type == "sepa_debit":
        method["billing_details"]["email"] = "jenny@example.com"
    return _add(work, method, account.number)


def behind(work: Work, payment_method_id: str) -> Card | Account | None:
    """The test card or account behind a payment method; None for PayPal."""
    number = _behind(work, payment_method_id)["number"]
    return cards.BY_NUMBER.get(number) or bank_accounts.BY_NUMBER.get(number)


def decline_of(work: Work, payment_method_id: str) -> Decline | None:
    """Why the method's bank refuses every payment, or None."""
    found = behind(work, payment_method_id)
    if isinstance(found, Card):
        return found.charge or found.attach
    return found.fails if found is not None else None


def refusal_to_attach(work: Work, payment_method_id: str) -> Decline | None:
    """Why the method cannot be saved, or None."""
    found = behind(work, payment_method_id)
    return found.attach if isinstance(found, Card) else None


def needs_authentication(work: Work, payment_method_id: str, *, off_session: bool = True) -> bool:
    """Whether the payer has to do something now: 3-D Secure, or PayPal's page."""
    found = behind(work, payment_method_id)
    set_up = bool(_behind(work, payment_method_id)["set_up"])
    if found is None:
        return not (off_session and set_up)
    if not isinstance(found, Card):
        return False
    if found.authenticate == "until_set_up":
        return not (off_session and set_up)
    return found.authenticate == "always" or (found.authenticate == "on_session" and not off_session)


def asks_at_setup(work: Work, payment_method_id: str) -> bool:
    """Whether saving the method needs the payer: 3-D Secure, or PayPal's page."""
    found = behind(work, payment_method_id)
    return found is None or (isinstance(found, Card) and found.authenticate in ("until_set_up", "always"))


def mark_set_up(work: Work, payment_method_id: str) -> None:
    """Records that the payer authenticated the method for later payments."""
    work.edit(_BEHIND, payment_method_id)["set_up"] = True


def mark_spent(work: Work, payment_method_id: str) -> None:
    """Records a payment: a method without a customer pays once only."""
    if work.read(KIND, payment_method_id)["customer"] is None:
        work.edit(_BEHIND, payment_method_id)["spent"] = True


def approve(work: Work, payment_method_id: str) -> None:
    """The payer signed in to PayPal, which tells who that is."""
    method = work.edit(KIND, payment_method_id)
    email = method["billing_details"]["email"] or "payer@example.com"
    method["paypal"].update(country="US", payer_email=email, payer_id=f"PAYER{payment_method_id[-8:].upper()}")


def by_number(number: str) -> Card:
    """The test card of that number; CardRefused for one that is not a card or not a test card."""
    digits = number.replace(" ", "").replace("-", "")
    if not cards.luhn_valid(digits):
        raise CardRefused("Your card number is incorrect.", code="incorrect_number", param="number")
    card = cards.BY_NUMBER.get(digits)
    if card is None:
        decline = cards.Decline(
            "card_declined",
            "live_mode_test_card",
            "Your card was declined. This sandbox accepts the listed test cards only.",
        )
        raise refused(decline)
    return card


def check_expiry(work: Work, month: int, year: int) -> None:
    """CardRefused when the month is none or the card is past its expiry (the month itself counts)."""
    if not 1 <= month <= 12:
        raise CardRefused("Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month")
    today = datetime.fromtimestamp(work.now, UTC)
    if not (today.year, today.month) <= (year, month) <= (today.year + 50, 12):
        raise CardRefused("Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year")


def refused(decline: Decline, **extra: Any) -> CardRefused:
    """The card_error of a decline."""
    return CardRefused(decline.message, code=decline.code, decline_code=decline.decline_code, **extra)


def _behind(work: Work, payment_method_id: str) -> Obj:
    return work.read(_BEHIND, payment_method_id)


def _add(work: Work, method: Obj, number: str) -> Obj:
    work.add(_BEHIND, {"id": method["id"], "number": number, "set_up": False, "detached": False, "spent": False})
    return work.add(KIND, method)


def _ready_made(payment_method_id: str) -> Card | Account | None:
    return cards.by_payment_method(payment_method_id) or bank_accounts.by_payment_method(payment_method_id)


def _body(work: Work, found: Card | Account, payment_method_id: str) -> Obj:
    if isinstance(found, Card):
        return payment_method_bodies.of_card(work, found, payment_method_id)
    return payment_method_bodies.of_account(work, found, payment_method_id)


def _new_card(work: Work, given: Obj) -> Obj:
    if "token" in given:
        card = cards.by_token(given["token"])
        if card is None:
            raise ResourceMissing("token", given["token"], param="card[token]")
        return from_card(work, card)
    card = by_number(given.get("number", ""))
    check_expiry(work, given.get("exp_month", 0), given.get("exp_year", 0))
    if "cvc" in given and not re.fullmatch(r"\d{4}" if card.brand == "amex" else r"\d{3}", given["cvc"]):
        raise CardRefused("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    return from_card(work, card, given["exp_month"], given["exp_year"])


def _new_account(work: Work, kind: str, params: Obj) -> Obj:
    given, billing = params[kind], params.get("billing_details", {})
    needed = {"name": "billing_details[name]"} | ({"email": "billing_details[email]"} if kind == "sepa_debit" else {})
    for name, param in needed.items():
        if not billing.get(name):
            raise InvalidRequest(f"Missing required param: {param}.", code="parameter_missing", param=param)
    account = _by_iban(given["iban"]) if kind == "sepa_debit" else _by_account_number(given)
    method = from_account(work, account)
    method["billing_details"].update(name=None, email=None)
    for name in ("account_holder_type", "account_type"):
        if name in given:
            method[kind][name] = given[name]
    return method


def _by_iban(iban: str) -> Account:
    digits = re.sub(r"[ -]", "", iban).upper()
    if not bank_accounts.iban_valid(digits):
        raise InvalidRequest(
            "The IBAN you entered is invalid.", code="invalid_bank_account_iban", param="sepa_debit[iban]"
        )
    return _known_account("sepa_debit", digits, "sepa_debit[iban]")


def _by_account_number(given: Obj) -> Account:
    if "financial_connections_account" in given:
        raise InvalidRequest("The sandbox has no Financial Connections.", param="us_bank_account")
    for name in ("account_holder_type", "account_number", "routing_number"):
        if name not in given:
            param = f"us_bank_account[{name}]"
            raise InvalidRequest(f"Missing required param: {param}.", code="parameter_missing", param=param)
    if given["routing_number"] != bank_accounts.ROUTING_NUMBER:
        raise InvalidRequest(
            f"Test accounts have the routing number {bank_accounts.ROUTING_NUMBER}.",
            code="routing_number_invalid",
            param="us_bank_account[routing_number]",
        )
    return _known_account("us_bank_account", given["account_number"], "us_bank_account[account_number]")


def _known_account(kind: str, number: str, param: str) -> Account:
    account = bank_accounts.BY_NUMBER.get(number)
    if account is None or account.type != kind:
        raise InvalidRequest(
            "This sandbox accepts the listed test accounts only.", code="account_number_invalid", param=param
        )
    return account


def _assign(method: Obj, params: Obj) -> None:
    details = params.get("billing_details", {})
    for name in _BILLING:
        if name in details:
            method["billing_details"][name] = cleared(details[name])
    if "address" in details:
        method["billing_details"]["address"] = address(details["address"])
    if "allow_redisplay" in params:
        method["allow_redisplay"] = params["allow_redisplay"]
    if "metadata" in params:
        method["metadata"] = merged_metadata(method["metadata"] or new_metadata(None), params["metadata"])


def _forget_defaults(work: Work, customer_id: str, payment_method_id: str) -> None:
    customer = work.edit("customer", customer_id)
    before = copied(customer)
    if customer["invoice_settings"]["default_payment_method"] == payment_method_id:
        customer["invoice_settings"]["default_payment_method"] = None
        work.emit_updated("customer.updated", before, customer)
    for found in list(work.all("subscription")):
        if found["default_payment_method"] == payment_method_id:
            subscription = work.edit("subscription", found["id"])
            subscription["default_payment_method"] = None
            work.emit("customer.subscription.updated", subscription, {"default_payment_method": payment_method_id})
