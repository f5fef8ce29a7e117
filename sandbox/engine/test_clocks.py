"""Test clocks: the time of their customers, frozen until somebody advances it.

What moves or deletes a clock is in test_clock_changes.py. Limits: docs.stripe.com/billing/testing/test-clocks.
"""

from collections.abc import Iterable, Iterator

from ..errors import InvalidRequest, LockTimeout, ResourceMissing
from .fields import where
from .work import Obj, Work

KIND = "test_helpers.test_clock"
MOST_CUSTOMERS, MOST_SUBSCRIPTIONS = 3, 3
# What an id begins with -> the kind of object it names, as far as a customer stands behind it.
_KINDS = {
    "clock": KIND, "cus": "customer", "sub": "subscription", "in": "invoice", "ii": "invoiceitem",
    "pi": "payment_intent", "ch": "charge", "py": "charge", "re": "refund", "pyr": "refund",
    "seti": "setup_intent", "pm": "payment_method",
    "cs": "checkout.session", "cn": "credit_note", "inpay": "invoice_payment", "du": "dispute",
    "bps": "billing_portal.session", "di": "discount",
}  # fmt: skip
# The parameters that name whom a request concerns, and the fields of objects that lead to their customer.
_NAMES = (
    "test_clock", "customer", "subscription", "invoice", "payment_intent", "charge", "setup_intent",
    "from_subscription", "subscription_item", "credit_note", "payment_method",
)  # fmt: skip


def clock_for(work: Work, params: Obj, ids: Iterable[str]) -> str | None:
    """The test clock of the customer whom a request concerns, by the ids of its path, then its parameters."""
    named = [params[name] for name in _NAMES if isinstance(params.get(name), str)]
    payload = params.get("payload")
    if isinstance(payload, dict) and "stripe_customer_id" in payload:
        named.append(str(payload["stripe_customer_id"]))
    for object_id in (*ids, *named):
        clock_id = _clock_of(work, _found(work, object_id))
        if clock_id is not None and work.find(KIND, clock_id) is not None:
            return clock_id
    return None


def time_for(work: Work, params: Obj, ids: Iterable[str]) -> int:
    """The time of the customer whom a request concerns (UTC seconds); without a test clock, the global one's."""
    return _time_of(work, clock_for(work, params, ids))


def enter(work: Work, params: Obj, ids: Iterable[str], *, writes: bool) -> None:
    """Sets the work's clock and time for a request.

    LockTimeout when the clock is advancing and the request writes (assumed: what Stripe answers then).
    """
    ids = list(ids)
    work.clock = clock_for(work, params, ids)
    work.now = _time_of(work, work.clock)
    if work.clock is None or not writes or work.clock in ids:
        return
    if work.read(KIND, work.clock)["status"] == "advancing":
        raise LockTimeout(
            f"The test clock {work.clock} is advancing; objects of its customers change again when it is ready."
        )


def retrieve(work: Work, _params: Obj, clock_id: str) -> Obj:
    """GET /v1/test_helpers/test_clocks/{id}."""
    return work.read(KIND, clock_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/test_helpers/test_clocks."""
    return where(work.all(KIND), params)


def customers_of(work: Work, clock_id: str) -> list[Obj]:
    """The clock's customers, newest first."""
    return [customer for customer in work.all("customer") if customer["test_clock"] == clock_id]


def subscriptions_of(work: Work, clock_id: str) -> list[Obj]:
    """The subscriptions of the clock's customers that have not ended, newest first."""
    return [
        found for found in work.all("subscription") if found["test_clock"] == clock_id and found["ended_at"] is None
    ]


def admit_customer(work: Work, clock_id: str | None) -> str | None:
    """The clock that a new customer joins; InvalidRequest for none or beyond three customers of one clock."""
    if clock_id is None:
        return None
    if work.find(KIND, clock_id) is None:
        raise ResourceMissing("test_clock", clock_id, param="test_clock")
    if len(customers_of(work, clock_id)) >= MOST_CUSTOMERS:
        raise InvalidRequest(f"A test clock has at most {MOST_CUSTOMERS} customers.", param="test_clock")
    return clock_id


def admit_subscription(work: Work, customer: Obj) -> str | None:
    """The clock of a new subscription; InvalidRequest beyond three subscriptions of one of its customers."""
    clock_id: str | None = customer["test_clock"]
    if clock_id is None:
        return None
    living = [found for found in subscriptions_of(work, clock_id) if found["customer"] == customer["id"]]
    if len(living) >= MOST_SUBSCRIPTIONS:
        raise InvalidRequest(
            f"A customer of a test clock has at most {MOST_SUBSCRIPTIONS} subscriptions.", param="customer"
        )
    return clock_id


def _time_of(work: Work, clock_id: str | None) -> int:
    return work.global_now if clock_id is None else int(work.read(KIND, clock_id)["frozen_time"])


def _found(work: Work, object_id: str) -> Obj | None:
    if object_id.startswith("sub_sched_"):
        return work.find("subscription_schedule", object_id)
    if object_id.startswith("si_"):
        return next(
            (found for found in work.all("subscription") if any(i["id"] == object_id for i in found["items"]["data"])),
            None,
        )
    kind = _KINDS.get(object_id.split("_")[0])
    return None if kind is None else work.find(kind, object_id)


def _clock_of(work: Work, body: Obj | None) -> str | None:
    """The clock that an object names itself, or by what it belongs to."""
    if body is None:
        return None
    if body.get("object") == KIND:
        return str(body["id"])
    if "test_clock" in body:
        found: str | None = body["test_clock"]
        return found
    for name in ("customer", "subscription", "invoice", "charge", "payment_intent"):
        if isinstance(body.get(name), str):
            return _clock_of(work, _found(work, body[name]))
    return None
