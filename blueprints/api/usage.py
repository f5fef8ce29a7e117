"""Usage of integrations: reported one by one or many at once, and asked for before more is used."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from blueprints.api import bodies
from portal.exact_json import shortest
from portal.security.guards import bearer, machine, token_of
from portal.usage import ingest, permission, summary

bp = Blueprint("api_usage", __name__, url_prefix="/api/v1")


@bp.post("/uso")
@bp.post("/usage", endpoint="report_in_english")
@bearer("usage:write")
def report() -> ResponseReturnValue:
    """One event. With an ``event_id``, or an ``Idempotency-Key`` in its place, it counts once for ever."""
    status = ingest.record_one(bodies.text(), event_id=request.headers.get("Idempotency-Key"))
    return {"status": status}, 200 if status == "duplicate" else 201


@bp.post("/uso/lote")
@bp.post("/usage/batch", endpoint="report_many_in_english")
@bearer("usage:write")
def report_many() -> ResponseReturnValue:
    """Up to 10,000 events as a JSON array, or one in each line; each is answered by itself, in their order.

    An ``Idempotency-Key`` names those that have no id of their own, by their place.
    """
    body, batch_id = bodies.text(), request.headers.get("Idempotency-Key")
    is_lines = request.mimetype in ("application/x-ndjson", "application/ndjson", "application/jsonl")
    receipt = (ingest.record_lines if is_lines else ingest.record)(body, batch_id=batch_id)
    answer: dict[str, Any] = {status: receipt.count(status) for status in ingest.STATUSES}
    answer["items"] = [_item(receipt, index) for index in range(receipt.items)]
    return answer


@bp.get("/uso/permiso")
@bp.get("/usage/permission", endpoint="may_in_english")
@machine("a tenant's API key, which is remembered with the answer")
def may() -> ResponseReturnValue:
    """Whether so much more may be used. ``allowed`` is the answer; that more may not is no error."""
    answer = permission.ask(token_of(request), request.args.get("resource_type", ""), request.args.get("quantity", "1"))
    numbers = {name: value if value is None else shortest(value) for name, value in answer.numbers().items()}
    return {**answer._asdict(), **numbers}


@bp.get("/uso/resumen")
@bp.get("/usage/summary", endpoint="summary_in_english")
@bearer("usage:read")
def summed() -> ResponseReturnValue:
    """What was used in the period that runs, beside what the plan grants; as of this moment."""
    found = summary.of_now()
    resources = [_standing(each) for each in found.resources]
    return {"period_start": found.starts_at, "period_end": found.ends_at, "resources": resources}


def _standing(each: summary.Standing) -> dict[str, Any]:
    return {
        "resource_type": each.resource.resource_type,
        "unit": each.resource.unit,
        "used": shortest(each.used),
        "limit": None if each.limit is None else shortest(each.limit),
        "remaining": None if each.remaining is None else shortest(each.remaining),
        "limit_kind": "soft" if each.is_soft else "hard",
    }


def _item(receipt: ingest.Receipt, index: int) -> dict[str, str]:
    status = receipt.status(index)
    return {"status": status, "reason": receipt.reasons[index]} if index in receipt.reasons else {"status": status}
