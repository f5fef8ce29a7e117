"""The inbox: verify a delivery, store it once, say which object it names, answer.

An event only means "look": nothing of its body is applied. What is wanted of the object is raised in the
same commit; a worker reads Stripe again (``portal.mirror``).
"""

import json
from typing import Any, NamedTuple

import stripe
from psycopg import DataError
from sqlalchemy.exc import DataError as WrappedDataError

from portal import clock, failpoints, tenancy
from portal.connections import execute_alone
from portal.errors import DomainError
from portal.extensions import db
from portal.findings import report
from portal.gateway.client import API_VERSION
from portal.gateway.kinds import named_object
from portal.leasing import affected
from portal.outbox import wake

MAX_BODY_BYTES = 512 * 1024  # Stripe's largest events stay far below
TOLERANCE_SECONDS = 300
_END_OF_TIME = 253_402_300_800  # the year 10000
# Letters that JSON can escape and no database can hold: NUL, half a surrogate pair. Past SQLAlchemy (``execute_alone``)
# the driver's own error is seen.
_CANNOT_HOLD = (DataError, WrappedDataError, UnicodeEncodeError)

# In PostgreSQL's hands whole: the body as text, and what is wanted in the same statement.
_TAKE = """
    INSERT INTO stripe_events (id, type, api_version, livemode, object_id, payload, parked_reason, created_at)
    VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, %s) ON CONFLICT DO NOTHING"""
_TAKE_AND_WANT = f"WITH taken AS ({_TAKE} RETURNING true) SELECT want_stripe_object(%s, %s) FROM taken"  # noqa: S608  (no text of others in it)


class BadDelivery(DomainError):
    """Not from Stripe, too old, or not an event: refused without leaving a row."""

    code = "bad_delivery"
    status = 400
    message = "The delivery could not be verified."


class TooLarge(BadDelivery):
    code = "delivery_too_large"
    status = 413
    message = "The delivery is too large."


def receive(body: bytes, signature: str, *, secrets: list[str], livemode: bool) -> str:
    """Take one delivery. Returns the event's id; the same event again changes nothing.

    ``body``: the raw bytes as received. ``secrets``: accepted signing secrets (two during a rotation).
    Raises :class:`BadDelivery` for anything that is not a fresh, signed event of our account's mode.
    """
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge
    text = _verified(body, signature, secrets)
    event = _parsed(text)
    if event["livemode"] is not livemode:
        raise BadDelivery(reason="livemode")
    _store(event, text)
    return str(event["id"])


def _verified(body: bytes, signature: str, secrets: list[str]) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadDelivery(reason="encoding") from error
    if not any(_is_signed(text, signature, secret) for secret in secrets):
        raise BadDelivery(reason="signature")
    return text


def _parsed(text: str) -> dict[str, Any]:
    try:
        event = _JSON.decode(text)
        if not _is_event(event):
            raise BadDelivery(reason="shape")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadDelivery(reason="shape") from error
    return event  # type: ignore[no-any-return]


def _is_event(event: Any) -> bool:
    return (
        event["object"] == "event"
        and isinstance(event["id"], str)
        and event["id"].startswith("evt_")
        and isinstance(event["type"], str)
        and isinstance(event.get("api_version"), str | None)
        and isinstance(event["livemode"], bool)
        and type(event["created"]) is int  # a bool is an int too
        and 0 < event["created"] < _END_OF_TIME
        and isinstance(event["data"]["object"], dict)
    )


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)  # Python reads NaN, PostgreSQL does not


def _is_signed(text: str, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, signature, secret, TOLERANCE_SECONDS)
    except stripe.SignatureVerificationError:
        return False
    except (ValueError, TypeError):  # the SDK's own parser gives up on a garbled header
        return False
    return not _is_from_the_future(signature)


def _is_from_the_future(signature: str) -> bool:
    """The SDK refuses only the past; a timestamp ahead of us would stay valid for as long as it is ahead."""
    stamps = [part[2:] for part in signature.split(",") if part.startswith("t=")]
    return not stamps or int(stamps[0]) > clock.now().timestamp() + TOLERANCE_SECONDS


class _Taking(NamedTuple):
    """The statement that takes an event in, whether it wants an object as well, and why nothing does if so."""

    statement: str
    values: tuple[Any, ...]
    wants: bool
    parked: str | None


def _store(event: dict[str, Any], text: str) -> None:
    taking = _taking(event, text, _reason_to_park(event))
    try:
        if taking.parked:  # and reported, which is a second statement
            tenancy.fresh()
            _take(event, taking)
            db.session.commit()
            return
        with failpoints.around("inbox.store"):
            is_new = execute_alone(db.engine, taking.statement, taking.values).rowcount == 1
    except _CANNOT_HOLD as error:
        db.session.rollback()
        raise BadDelivery(reason="content") from error
    if is_new and taking.wants:
        wake.bell().ring()


def take_in(event: dict[str, Any]) -> bool:
    """Store an event of Stripe's list in the current transaction and want its object. Returns whether it was new.

    Whatever its API version: the list is told in the account's own, and no endpoint of the right one would mend that.
    """
    return _take(event, _taking(event, json.dumps(event), parked=None))


def _take(event: dict[str, Any], taking: _Taking) -> bool:
    is_new = affected(db.session.connection().exec_driver_sql(taking.statement, taking.values)) == 1
    if is_new and taking.parked:
        report("parked_event", event["id"], reason=taking.parked, type=event["type"])
    elif is_new and taking.wants:
        wake.after_commit()
    return is_new


def _taking(event: dict[str, Any], text: str, parked: str | None) -> _Taking:
    """A repeat wants nothing more: the first delivery's wish is either served or still open."""
    target = named_object(event["type"], event["data"]["object"])
    values = (
        event["id"],
        event["type"],
        event.get("api_version"),
        event["livemode"],
        target.object_id if target else None,
        text,
        parked,
        clock.from_timestamp(event["created"]),
    )
    if target is None or parked:
        return _Taking(_TAKE, values, wants=False, parked=parked)
    return _Taking(_TAKE_AND_WANT, (*values, target.object_id, target.kind), wants=True, parked=None)


def want(object_id: str, kind: str) -> None:
    """Ask, in the current transaction, that the mirror reads this object from Stripe (again)."""
    tenancy.execute_function("want_stripe_object", object_id, kind)
    wake.after_commit()


def _reason_to_park(event: dict[str, Any]) -> str | None:
    if event.get("api_version") != API_VERSION:
        return f"api_version {event.get('api_version')} instead of {API_VERSION}"
    return None
