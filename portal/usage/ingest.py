"""Taking usage in: each event counts once, and the next request sees its sums."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import UUID

from sqlalchemy import Row, RowMapping
from sqlalchemy.exc import DataError, DBAPIError

from portal import business_time, clock, tenancy
from portal.errors import Conflict, Invalid
from portal.extensions import db
from portal.ids import uuid7
from portal.usage import locks, periods

_INGEST, _CORRECTED, CLASSIFY = (
    Path(__file__).with_name(name).read_text() for name in ("ingest.sql", "corrections.sql", "classify.sql")
)
_NONE_CORRECTED = """), corrected AS (
    SELECT 0::bigint AS ord, '' AS resource_type, %(now)s::timestamptz AS named_at, true AS is_enough WHERE false
"""
INGEST, INGEST_WITH_CORRECTIONS = (_INGEST.replace("{corrected}", each) for each in (_NONE_CORRECTED, _CORRECTED))
MOST_ITEMS = 10_000
_ADMIT = f"""SELECT c.test_clock_at, pg_advisory_xact_lock_shared({locks.KEY.replace("%s", "t.id::text")})
    FROM tenants t LEFT JOIN customers c ON c.tenant_id = t.id WHERE t.id = %(tenant)s"""  # noqa: S608
_TOO_DEEP = "54001"
MOST_COMMAS = 60 * MOST_ITEMS  # before a body is taken apart here
MOST_SOURCES = 50  # of a resource in a period; what more there are is called "other"
SLOTS = 8  # a sum that many write at once is kept in so many rows

Status = Literal["accepted", "late", "duplicate", "conflict", "rejected"]
STATUSES: tuple[Status, ...] = get_args(Status)


class _UnreadableError(Exception):
    """PostgreSQL cannot read the body: it is no JSON, too deep, or has a text that cannot be one."""


class BadBatch(Invalid):
    code = "invalid_batch"
    message = "The body is not a list of usage events."
    remedy = "Send a JSON array of objects, or one object in each line (NDJSON)."


class TooManyItems(Invalid):
    code = "too_many_items"
    message = "A batch has at most %(most)d events."
    remedy = "Send the rest in another request."


class Conflicting(Conflict):
    code = "event_id_conflict"
    message = "An event with this id was reported before, with other contents."
    remedy = "Give each event an id of its own; a retry sends the same body."


class Rejected(Invalid):
    code = "usage_rejected"
    message = "This event does not count: %(reason)s."


@dataclass(frozen=True)
class Receipt:
    """What became of a batch, in the order of its items, counted from 0.

    ``others`` are those that were not simply accepted; ``reasons`` says of the rejected ones why.
    """

    items: int
    others: Mapping[int, Status] = field(default_factory=dict)
    reasons: Mapping[int, str] = field(default_factory=dict)

    def status(self, index: int) -> Status:
        return self.others.get(index, "accepted")

    def count(self, status: Status) -> int:
        if status == "accepted":
            return self.items - len(self.others)
        return sum(1 for each in self.others.values() if each == status)


def record(body: str, *, batch_id: str | None = None) -> Receipt:
    """Take in a JSON array of events for the bound tenant, in one transaction that is committed.

    ``batch_id`` names the events that have no id: by it and by their place. Raises :class:`BadBatch`,
    :class:`TooManyItems`.
    """
    try:
        return _take(body, batch_id=batch_id)
    except _UnreadableError as error:  # for one item, perhaps: the others shall count
        if body.count(",") > MOST_COMMAS:
            raise BadBatch from error
        try:
            items = _loads(body)
        except (ValueError, RecursionError):
            raise BadBatch from error
        if not isinstance(items, list):
            raise BadBatch from error
        return _take_readable([item if _is_readable(item) else None for item in items], batch_id)


def record_lines(body: str, *, batch_id: str | None = None) -> Receipt:
    """As :func:`record`, of one event in each line (NDJSON); empty lines are left out."""
    lines = [line for line in body.split("\n") if line.strip()]
    if not lines:
        raise BadBatch
    if len(lines) > MOST_ITEMS:
        raise TooManyItems(most=MOST_ITEMS)
    try:
        return _take(f"[{','.join(lines)}]", batch_id=batch_id, items=len(lines))
    except (_UnreadableError, BadBatch):
        db.session.rollback()
        return _take_readable([_parsed(line) for line in lines], batch_id)


def record_one(body: str, *, event_id: str | None = None) -> Status:
    """Take in one event; ``event_id`` is its id when it has none of its own.

    Returns "accepted", "late" or "duplicate". Raises :class:`Conflicting`, :class:`Rejected`, :class:`BadBatch`.
    """
    if _parsed(body) is None:
        raise BadBatch
    try:
        receipt = _take(f"[{body}]", event_id=event_id)
    except _UnreadableError as error:
        raise BadBatch from error
    status = receipt.status(0)
    if status == "conflict":
        raise Conflicting
    if status == "rejected":
        raise Rejected(reason=receipt.reasons[0])
    return status


def _take(body: str, *, event_id: str | None = None, batch_id: str | None = None, items: int | None = None) -> Receipt:
    """Write the events of a JSON array of objects and commit; ``items`` is how many there have to be."""
    _require_few(body)
    tenant_id = tenancy.require_tenant()
    given = {"body": body, "event_id": event_id, "batch_id": batch_id, "tenant": tenant_id}
    now = _admitted(tenant_id)
    row = _written(given, now)
    if row["uncovered"]:  # the first report of a period: nobody else looks for it beforehand
        db.session.rollback()
        now = _admitted(tenant_id)
        periods.cover(row["uncovered"], now)
        row = _written(given, now)
    if items is not None and row["items"] != items:  # a line that holds more than one
        raise BadBatch
    if row["late_periods"]:
        periods.mark_late(row["late_periods"], now)
    receipt = _receipt(row)
    db.session.commit()
    return receipt


def _require_few(body: str) -> None:
    """Raise :class:`TooManyItems` before anything is done for them: a small packet may hold millions."""
    if (
        body.count("{") > MOST_ITEMS
        and _asked("SELECT json_array_length(%(body)s::json)", {"body": body})[0] > MOST_ITEMS
    ):
        db.session.rollback()
        raise TooManyItems(most=MOST_ITEMS)


def _written(given: Mapping[str, Any], now: datetime) -> RowMapping:
    """What the statement says that became of the items. Raises :class:`_UnreadableError`."""
    recorded_at, prefix = _moment()
    slot = random.randrange(SLOTS)  # noqa: S311  (spreads writers, hides nothing)
    own = {"now": now, "recorded": recorded_at, "prefix": prefix, "slot": slot, "most_sources": MOST_SOURCES}
    statement = INGEST_WITH_CORRECTIONS if "corrects" in given["body"] else INGEST
    return _asked(statement, {**given, **own})._mapping


def _moment() -> tuple[datetime, str]:
    """When this is recorded, to the millisecond, and the ids' first 28 digits, which begin with it (RFC 9562 §5.7)."""
    milliseconds = int(clock.now().timestamp() * 1000)
    return datetime.fromtimestamp(milliseconds / 1000, UTC), f"{milliseconds:012x}{uuid7().hex[12:28]}"


def _asked(statement: str, parameters: Mapping[str, Any]) -> Row[Any]:
    """Its only row. Raises :class:`_UnreadableError` for a body that PostgreSQL cannot read."""
    try:
        return db.session.connection().exec_driver_sql(statement, parameters).one()
    except DBAPIError as error:
        db.session.rollback()
        if isinstance(error, DataError) or getattr(error.orig, "sqlstate", None) == _TOO_DEEP:
            raise _UnreadableError from error
        raise


def _admitted(tenant_id: UUID) -> datetime:
    """The tenant's time, once nobody moves or closes its periods; until the transaction ends nobody does."""
    found = db.session.connection().exec_driver_sql(_ADMIT, {"tenant": tenant_id}).scalar_one()
    return business_time.of(found)


def _take_readable(items: Sequence[Mapping[str, Any] | None], batch_id: str | None) -> Receipt:
    """As :func:`_take`; those that are ``None`` are rejected as what cannot be read."""
    try:
        receipt = _take(json.dumps([{} if item is None else item for item in items], default=str), batch_id=batch_id)
    except _UnreadableError as error:
        raise BadBatch from error
    unreadable = {index: "not_readable" for index, item in enumerate(items) if item is None}
    return replace(receipt, reasons={**receipt.reasons, **unreadable})


def _loads(text: str) -> Any:
    """Numbers as they were written: a float would lose digits, and an int refuses more than 4,300 of them."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_refuse_constant)


def _refuse_constant(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are no JSON


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        item = _loads(text)
    except (ValueError, RecursionError):
        return None
    return item if _is_readable(item) else None


def _is_readable(item: Any) -> bool:
    """Whether PostgreSQL can read it: an object, without NUL and without half a character in its texts."""
    if not isinstance(item, dict):
        return False
    try:
        return "\\u0000" not in json.dumps(item, default=str) and bool(
            json.dumps(item, default=str, ensure_ascii=False).encode()
        )
    except (UnicodeEncodeError, RecursionError):
        return False


def _receipt(row: RowMapping) -> Receipt:
    others: dict[int, Status] = {}
    reasons: dict[int, str] = {}
    for ordinal, reason in row["refused"] or ():
        others[ordinal - 1], reasons[ordinal - 1] = "rejected", reason
    for ordinal in row["late_ones"] or ():
        others[ordinal - 1] = "late"
    others.update(dict.fromkeys((ordinal - 1 for ordinal in row["duplicates"] or ()), "duplicate"))
    others.update(dict.fromkeys((ordinal - 1 for ordinal in row["conflicts"] or ()), "conflict"))
    if row["ords"]:
        others.update(_classified(row["ords"], row["event_ids"], row["hashes"]))
    return Receipt(row["items"], others, reasons)


def _classified(ords: Sequence[int], event_ids: Sequence[str], hashes: Sequence[bytes]) -> dict[int, Status]:
    given = {"ords": ords, "event_ids": event_ids, "hashes": hashes, "tenant": tenancy.require_tenant()}
    found = db.session.connection().exec_driver_sql(CLASSIFY, given)
    return {ordinal - 1: "duplicate" if is_same else "conflict" for ordinal, is_same in found}
