"""Calls that the derived file leaves out, as the SDK declares them: the account and payouts.

Their objects and events are in the file.
"""

from typing import Any

_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_EXPAND = {"type": "array", "items": _TEXT}
_METADATA = {"$ref": "#/definitions/MetadataParam"}
_CLEARED_METADATA = {"anyOf": [{"type": "string", "enum": [""]}, _METADATA]}
_TIMES = {"anyOf": [_WHOLE, {"$ref": "#/definitions/RangeQueryParam"}]}
_PAGES: dict[str, Any] = {"ending_before": _TEXT, "limit": _WHOLE, "starting_after": _TEXT}


def _params(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties, "expand": _EXPAND},
        "required": list(required),
        "additionalProperties": False,
    }


def _operation(name: str, method: str, path: str, params: dict[str, Any], kind: str = "object") -> dict[str, Any]:
    response = {"$ref": f"#/definitions/{'Account' if name.startswith('Accounts') else 'Payout'}"}
    return {"id": name, "method": method, "path": path, "params": params, "kind": kind, "response": response}


_NEW_PAYOUT = _params(
    ("amount", "currency"),
    amount=_WHOLE,
    currency=_TEXT,
    description=_TEXT,
    destination=_TEXT,
    metadata=_METADATA,
    method={"type": "string", "enum": ["instant", "standard"]},
    payout_method=_TEXT,
    source_type={"type": "string", "enum": ["bank_account", "card", "fpx"]},
    statement_descriptor=_TEXT,
)
_PAYOUTS = _params(
    arrival_date=_TIMES,
    created=_TIMES,
    destination=_TEXT,
    status=_TEXT,
    **_PAGES,
)

OPERATIONS: list[dict[str, Any]] = [
    _operation("Accounts.retrieveCurrent", "GET", "/v1/account", _params()),
    _operation("Payouts.cancel", "POST", "/v1/payouts/{id}/cancel", _params()),
    _operation("Payouts.create", "POST", "/v1/payouts", _NEW_PAYOUT),
    _operation("Payouts.list", "GET", "/v1/payouts", _PAYOUTS, "list"),
    _operation("Payouts.retrieve", "GET", "/v1/payouts/{id}", _params()),
    _operation("Payouts.update", "POST", "/v1/payouts/{id}", _params(metadata=_CLEARED_METADATA)),
]
