"""Tax ids of customers: what invoices print, and whether the authorities know them.

Values are checked loosely. Stripe asks the authorities about three types, in the background; here its test values
decide, and any other value cannot be checked (assumed). Sources: the SDK on Customers.createTaxId,
docs.stripe.com/billing/customer/tax-ids.
"""

import re
from collections.abc import Iterator

from ..errors import InvalidRequest, ResourceMissing
from . import agenda, letterheads
from .fields import where
from .work import Obj, Work, copied

KIND = "tax_id"
VERIFY = "tax_id.verify"
_VALUE = re.compile(r"[A-Z0-9./-]{5,20}")
_VERIFIED_TYPES = ("au_abn", "eu_vat", "gb_vat")
_ENDLESS = "222222222"
_VERDICTS = {"000000000": "verified", "111111111": "unverified"}
_VERIFIED_AFTER = 5
# Greece has letters of its own in VAT numbers; a one-stop shop is in no country.
_COUNTRIES = {"EL": "GR", "EU": None}


def plain(value: str) -> str:
    """The id as it is kept, in capitals and without spaces; "" for one that cannot be one."""
    found = value.replace(" ", "").upper()
    return found if _VALUE.fullmatch(found) else ""


def create(work: Work, params: Obj, customer_id: str) -> Obj:
    """POST /v1/customers/{id}/tax_ids. Emits customer.tax_id.created, and later updated where it is verified.

    InvalidRequest (tax_id_invalid) for a value that cannot be one.
    """
    work.edit("customer", customer_id)
    return add(work, customer_id, params["type"], params["value"], param="value")


def add(work: Work, customer_id: str, kind: str, value: str, *, param: str) -> Obj:
    """The same for whoever has type and value; `param` is where they came from."""
    if not plain(value):
        raise InvalidRequest(f"Invalid value for {kind}.", code="tax_id_invalid", param=param)
    verified = kind in _VERIFIED_TYPES
    tax_id = work.add(
        KIND,
        {
            "id": work.new_id("txi"),
            "object": KIND,
            "country": _country(kind, plain(value)),
            "created": work.now,
            "customer": customer_id,
            "customer_account": None,
            "livemode": False,
            "owner": {"customer": customer_id, "customer_account": None, "type": "customer"},
            "type": kind,
            "value": plain(value),
            "verification": {
                "status": "pending" if verified else "unavailable", "verified_address": None, "verified_name": None
            },
        },
    )  # fmt: skip
    letterheads.print_on_drafts(work, customer_id)
    work.emit("customer.tax_id.created", tax_id)
    if verified and tax_id["value"] != _ENDLESS:
        agenda.put(work, VERIFY, tax_id["id"], work.now + _VERIFIED_AFTER)
    return tax_id


def verify_due(work: Work, tax_id_id: str) -> None:
    """The agenda's, when the authorities answer. Emits customer.tax_id.updated."""
    tax_id = work.edit(KIND, tax_id_id)
    before = copied(tax_id)
    tax_id["verification"]["status"] = _VERDICTS.get(tax_id["value"], "unavailable")
    work.emit_updated("customer.tax_id.updated", before, tax_id)


def retrieve(work: Work, _params: Obj, customer_id: str, tax_id_id: str) -> Obj:
    """GET /v1/customers/{id}/tax_ids/{id}."""
    work.edit("customer", customer_id)
    found = work.find(KIND, tax_id_id)
    if found is None or found.get("customer") != customer_id:
        raise ResourceMissing(KIND, tax_id_id)
    return found


def delete(work: Work, _params: Obj, customer_id: str, tax_id_id: str) -> Obj:
    """DELETE /v1/customers/{id}/tax_ids/{id}; finalized invoices keep it. Emits customer.tax_id.deleted."""
    tax_id = retrieve(work, {}, customer_id, tax_id_id)
    agenda.drop(work, VERIFY, tax_id_id)
    work.emit("customer.tax_id.deleted", tax_id)
    work.remove(KIND, tax_id_id)
    letterheads.print_on_drafts(work, customer_id)
    return {"id": tax_id_id, "object": KIND, "deleted": True}


def listing(work: Work, params: Obj, customer_id: str) -> Iterator[Obj]:
    """GET /v1/customers/{id}/tax_ids."""
    work.edit("customer", customer_id)
    return where(work.all(KIND), {**params, "customer": customer_id}, "customer")


def _country(kind: str, value: str) -> str | None:
    letters = value[:2] if kind == "eu_vat" else kind[:2].upper()
    return _COUNTRIES.get(letters, letters) if letters.isalpha() else None
