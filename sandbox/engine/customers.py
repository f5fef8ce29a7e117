"""Customers."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from ..errors import InvalidRequest, ResourceMissing, modelled
from . import customer_balance, letterheads, payment_methods, tax_ids, test_clocks
from .fields import absent, address, cleared, merged_metadata, new_metadata, where
from .work import Obj, Work, copied

KIND = "customer"
_KNOWN = {
    "address", "balance", "description", "email", "invoice_prefix", "invoice_settings", "metadata",
    "name", "next_invoice_sequence", "payment_method", "phone", "preferred_locales", "shipping",
    "tax_exempt", "tax_id_data", "business_name", "individual_name", "test_clock",
}  # fmt: skip
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/customers."""
    modelled(params, _KNOWN, "customers")
    customer_id = work.new_id("cus")
    customer = work.add(
        KIND,
        {
            **_blank(customer_id, work.now),
            "metadata": new_metadata(params.get("metadata")),
            "test_clock": test_clocks.admit_customer(work, params.get("test_clock")),
        },
    )
    if "payment_method" in params:
        payment_methods.attach(work, {"customer": customer_id}, params["payment_method"])
    _assign(work, customer, params)
    if "balance" in params:
        customer_balance.set_to(work, customer_id, params["balance"], "initial")
    work.emit("customer.created", customer)
    for index, each in enumerate(params.get("tax_id_data", [])):
        tax_ids.add(work, customer_id, each["type"], each["value"], param=f"tax_id_data[{index}][value]")
    return customer


def retrieve(work: Work, _params: Obj, customer_id: str) -> Obj:
    """GET /v1/customers/{id}; of a deleted customer the stub with `deleted: true`."""
    return work.read(KIND, customer_id)


def update(work: Work, params: Obj, customer_id: str) -> Obj:
    """POST /v1/customers/{id}."""
    modelled(params, _KNOWN - {"payment_method", "tax_id_data", "test_clock"}, "customers")
    customer = work.edit(KIND, customer_id)
    before = copied(customer)
    customer["metadata"] = merged_metadata(customer["metadata"], params.get("metadata"))
    _assign(work, customer, params)
    if "balance" in params:
        customer_balance.set_to(work, customer_id, params["balance"], "adjustment")
    letterheads.print_on_drafts(work, customer_id)
    work.emit_updated("customer.updated", before, customer)
    return customer


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/customers; `email` is compared case-sensitively, as Stripe does.

    Customers of a test clock are listed only when `test_clock` asks for them.
    """
    return where(work.all(KIND), {"test_clock": None, **params}, "email", "test_clock")


def next_number(work: Work, customer_id: str) -> str:
    """The next invoice number of the customer, for example 3F2A91C0-0001; counts up."""
    customer = work.edit(KIND, customer_id)
    sequence: int = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = sequence + 1
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def bill_in(work: Work, customer_id: str, currency: str) -> None:
    """A customer's currency is fixed by what is billed first; InvalidRequest for a second currency."""
    customer = work.edit(KIND, customer_id)
    if customer["currency"] not in (None, currency):
        raise InvalidRequest(
            "You cannot combine currencies on a single customer. This customer has an active subscription, "
            f"discount, or invoice items with currency {customer['currency']}.",
        )
    customer["currency"] = currency


def _blank(customer_id: str, now: int) -> Obj:
    """A customer of whom nothing is known yet."""
    return {
        **absent(
            "address", "currency", "customer_account", "default_source", "description", "discount", "email", "name",
            "phone", "shipping",
        ),
        "id": customer_id,
        "object": KIND,
        "balance": 0,
        "created": now,
        "delinquent": False,
        "invoice_prefix": _prefix(customer_id),
        "invoice_settings": absent("custom_fields", "default_payment_method", "footer", "rendering_options"),
        "livemode": False,
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    }  # fmt: skip


def _assign(work: Work, customer: Obj, params: Obj) -> None:
    if params.get("email") and not _EMAIL.fullmatch(params["email"]):
        raise InvalidRequest(f"Invalid email address: {params['email']}", code="email_invalid", param="email")
    for name in ("description", "email", "name", "phone"):
        if name in params:
            customer[name] = cleared(params[name])
    for name in ("business_name", "individual_name", "next_invoice_sequence", "tax_exempt"):
        if params.get(name):
            customer[name] = params[name]
    if "preferred_locales" in params:
        customer["preferred_locales"] = params["preferred_locales"]
    if "invoice_prefix" in params:
        customer["invoice_prefix"] = _free_prefix(work, params["invoice_prefix"], customer["id"])
    if "invoice_settings" in params:
        _assign_invoice_settings(work, customer, params["invoice_settings"])
    _assign_places(customer, params)


def _assign_places(customer: Obj, params: Obj) -> None:
    if "address" in params:
        customer["address"] = address(params["address"])
    if "shipping" in params:
        customer["shipping"] = _shipping(params["shipping"])
    if params.get("tax_exempt") == "":
        customer["tax_exempt"] = "none"


def _assign_invoice_settings(work: Work, customer: Obj, given: Obj) -> None:
    settings = customer["invoice_settings"]
    if "default_payment_method" in given:
        wanted = cleared(given["default_payment_method"])
        if wanted is not None:
            own = work.find("payment_method", wanted)
            if own is None or own["customer"] != customer["id"]:
                raise ResourceMissing("PaymentMethod", wanted, param="invoice_settings[default_payment_method]")
        settings["default_payment_method"] = wanted
    if "footer" in given:
        settings["footer"] = cleared(given["footer"])
    if "custom_fields" in given:
        settings["custom_fields"] = given["custom_fields"] or None
    if "rendering_options" in given:
        options = given["rendering_options"] or {}
        shown = {name: cleared(options.get(name)) for name in ("amount_tax_display", "template")}
        settings["rendering_options"] = shown if options else None


def _shipping(given: Any) -> Obj | None:
    if not given:
        return None
    return {"address": address(given["address"]), "name": given["name"], "phone": given.get("phone")}


def _prefix(customer_id: str) -> str:
    """Eight letters or digits that follow from the id, so that seeded runs repeat them."""
    return hashlib.sha256(customer_id.encode()).hexdigest()[:8].upper()


def _free_prefix(work: Work, wanted: str, own_id: str) -> str:
    if not re.fullmatch(r"[A-Z0-9]{3,12}", wanted):
        raise InvalidRequest("invoice_prefix must be 3 to 12 uppercase letters or numbers.", param="invoice_prefix")
    if any(other["invoice_prefix"] == wanted and other["id"] != own_id for other in work.all(KIND)):
        raise InvalidRequest(f"The invoice prefix {wanted} is already in use.", param="invoice_prefix")
    return wanted
