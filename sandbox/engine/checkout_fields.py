"""What else the page asks the payer: the shop's custom fields, the terms of service, a telephone number, a tax id."""

import re
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidRequest
from .tax_ids import plain as plain_tax_id
from .work import Obj

_MOST_FIELDS = 3
_MOST_OPTIONS = 200
_LONGEST = 255
# Tax ids that the page offers, by Stripe's type; any other is for the API alone.
TAX_IDS = (
    "eu_vat", "gb_vat", "us_ein", "br_cnpj", "br_cpf", "es_cif", "mx_rfc", "ar_cuit", "cl_tin", "co_nit", "pe_ruc",
    "ca_bn", "ch_vat", "no_vat", "au_abn",
)  # fmt: skip


def custom_fields(given: Any) -> list[Obj]:
    """`custom_fields` as the session shows them, unanswered. InvalidRequest for what cannot be asked."""
    if given and len(given) > _MOST_FIELDS:
        raise InvalidRequest(f"You can pass at most {_MOST_FIELDS} custom fields.", param="custom_fields")
    shown = [_field(field, f"custom_fields[{index}]") for index, field in enumerate(given or [])]
    if len({field["key"] for field in shown}) < len(shown):
        raise InvalidRequest("The keys of custom fields must be unique.", param="custom_fields")
    return shown


def answer(fields: list[Obj], given: Mapping[str, str]) -> None:
    """Takes the payer's answers by key; InvalidRequest (param: custom_fields[key]) for a wrong or missing one."""
    for field in fields:
        value = given.get(field["key"], "").strip()
        if not value and not field["optional"]:
            raise _wrong(field, "field_required", "This field is required.")
        if value:
            _check_answer(field, value)
        field[field["type"]]["value"] = value or None


def tax_ids(collection: Obj, kind: str | None, value: str | None) -> list[Obj]:
    """`customer_details.tax_ids` from what was typed, as `tax_id_collection` says.

    InvalidRequest for one that cannot be one (loosely checked), and for none where it is required (assumed: in
    every country).
    """
    if not collection["enabled"] or (not value and collection["required"] == "never"):
        return []
    plain = plain_tax_id(value or "")
    if kind not in TAX_IDS or not plain:
        raise InvalidRequest("Enter a valid tax ID.", code="tax_id_invalid", param="tax_id")
    return [{"type": kind, "value": plain}]


def phone(given: str | None) -> str:
    """A telephone number; InvalidRequest when it is none."""
    plain = re.sub(r"[\s().-]", "", given or "")
    if not re.fullmatch(r"\+?\d{6,15}", plain):
        raise InvalidRequest("Enter a valid phone number.", code="phone_invalid", param="phone")
    return plain


def _field(given: Obj, here: str) -> Obj:
    kind = given["type"]
    if not re.fullmatch(r"[A-Za-z0-9]{1,200}", given["key"]):
        raise InvalidRequest("The key of a custom field has letters and digits only.", param=f"{here}[key]")
    if not 1 <= len(given["label"]["custom"]) <= 50:
        raise InvalidRequest("The label of a custom field has 1 to 50 characters.", param=f"{here}[label][custom]")
    details = given.get(kind, {})
    field: Obj = {
        "key": given["key"],
        "label": {"custom": given["label"]["custom"], "type": "custom"},
        "optional": given.get("optional", False),
        "type": kind,
    }
    if kind == "dropdown":
        options = details.get("options", [])
        if not 1 <= len(options) <= _MOST_OPTIONS:
            raise InvalidRequest("A dropdown has 1 to 200 options.", param=f"{here}[dropdown][options]")
        values = {"options": [dict(option) for option in options]}
    else:
        values = {name: details.get(name) for name in ("maximum_length", "minimum_length")}
    field[kind] = {"default_value": details.get("default_value"), "value": None, **values}
    return field


def _check_answer(field: Obj, value: str) -> None:
    details = field[field["type"]]
    if field["type"] == "dropdown":
        if all(option["value"] != value for option in details["options"]):
            raise _wrong(field, "field_invalid", "Choose one of the options.")
        return
    if field["type"] == "numeric" and not (value.isascii() and value.isdigit()):
        raise _wrong(field, "field_invalid", "Digits only.")
    least, most = details["minimum_length"] or 0, details["maximum_length"] or _LONGEST
    if not least <= len(value) <= most:
        raise _wrong(field, "field_length", f"Between {least} and {most} characters.")


def _wrong(field: Obj, code: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, code=code, param=f"custom_fields[{field['key']}]")
