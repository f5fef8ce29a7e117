"""What moves a test clock: creating, advancing, deleting. Advancing is done after the answer (timekeeper.py)."""

from ..errors import InvalidRequest
from . import agenda, subscriptions, test_clocks
from .periods import period_end
from .test_clocks import KIND
from .work import Obj, Work

_KEPT_SECONDS = 30 * 86400  # assumed: how long Stripe keeps a clock
_TWO_YEARS: Obj = {"interval": "year", "interval_count": 2}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/test_helpers/test_clocks at `frozen_time` (UTC seconds), for an existing `customer` when named.

    InvalidRequest for a customer who has a clock already, or who has lived beyond `frozen_time`.
    """
    clock = {
        "id": work.new_id("clock"),
        "object": KIND,
        "created": work.global_now,
        "deletes_after": work.global_now + _KEPT_SECONDS,
        "frozen_time": params["frozen_time"],
        "livemode": False,
        "name": params.get("name"),
        "status": "ready",
        "status_details": {},
    }
    customer = work.edit("customer", params["customer"], param="customer") if "customer" in params else None
    if customer is not None and customer["test_clock"] is not None:
        raise InvalidRequest("This customer belongs to a test clock already.", param="customer")
    work.clock = None
    work.add(KIND, clock)
    agenda.put(work, "test_clock.delete", clock["id"], clock["deletes_after"])
    if customer is not None:
        _take_in(work, customer, clock)
    work.emit("test_helpers.test_clock.created", clock)
    return clock


def advance(work: Work, params: Obj, clock_id: str) -> Obj:
    """POST /v1/test_helpers/test_clocks/{id}/advance to `frozen_time`: `advancing` until `complete` is done.

    InvalidRequest: backward, a clock that is not ready, more than two intervals of the shortest subscription
    ahead, or more than two years without a subscription.
    """
    clock = work.edit(KIND, clock_id)
    target = params["frozen_time"]
    if clock["status"] != "ready":
        raise InvalidRequest(f"This test clock cannot be advanced because its status is {clock['status']}.")
    if target <= clock["frozen_time"]:
        raise InvalidRequest(
            "A test clock can only be advanced to a time after its current frozen time.", param="frozen_time"
        )
    if target > _farthest(work, clock):
        raise InvalidRequest(
            "A test clock can be advanced by at most two intervals of its shortest subscription, and by two years "
            "when it has none.",
            param="frozen_time",
        )
    clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": target}})
    work.emit("test_helpers.test_clock.advancing", clock)
    return clock


def complete(work: Work, clock_id: str) -> None:
    """Does what is due up to the target of an advancing clock, and makes it ready."""
    target = work.read(KIND, clock_id)["status_details"]["advancing"]["target_frozen_time"]
    agenda.run(work, clock_id, target)
    clock = work.edit(KIND, clock_id)
    clock.update(frozen_time=target, status="ready", status_details={})
    work.emit("test_helpers.test_clock.ready", clock)


def fail(work: Work, clock_id: str) -> None:
    """Marks a clock whose advance broke, as Stripe does; its customers stay where they were."""
    clock = work.edit(KIND, clock_id)
    work.clock, work.now = clock_id, clock["frozen_time"]
    clock.update(status="internal_failure", status_details={})
    work.emit("test_helpers.test_clock.internal_failure", clock)


def delete(work: Work, _params: Obj, clock_id: str) -> Obj:
    """DELETE /v1/test_helpers/test_clocks/{id}, with its customers and their subscriptions."""
    clock = work.edit(KIND, clock_id)
    for customer in test_clocks.customers_of(work, clock_id):
        subscriptions.delete_customer(work, {}, customer["id"])
    for entry in list(agenda.entries(work, clock_id)):
        work.remove(agenda.KIND, entry["id"])
    agenda.drop(work, "test_clock.delete", clock_id)
    work.emit("test_helpers.test_clock.deleted", clock)
    work.remove(KIND, clock_id)
    return {"id": clock_id, "object": KIND, "deleted": True}


def delete_due(work: Work, clock_id: str) -> None:
    """Deletes a clock whose time is over; on the clock's own time, as everything of its customers."""
    now = work.now
    work.clock, work.now = clock_id, work.read(KIND, clock_id)["frozen_time"]
    delete(work, {}, clock_id)
    work.clock, work.now = None, now


def _farthest(work: Work, clock: Obj) -> int:
    recurring = [
        item["price"]["recurring"]
        for subscription in test_clocks.subscriptions_of(work, clock["id"])
        for item in subscription["items"]["data"]
    ]
    now: int = clock["frozen_time"]
    if not recurring:
        return period_end(now, _TWO_YEARS)
    return min(period_end(now, {**each, "interval_count": 2 * each["interval_count"]}) for each in recurring)


def _take_in(work: Work, customer: Obj, clock: Obj) -> None:
    """An existing customer joins a clock, with what waits on the agenda for it."""
    owned = {customer["id"]}
    begun = {"invoiceitem": "date", "discount": "start"}
    for kind in ("subscription", "invoice", "invoiceitem", "discount", "checkout.session"):
        for found in list(work.all(kind)):
            if found["customer"] != customer["id"]:
                continue
            owned.add(found["id"])
            if found[begun.get(kind, "created")] > clock["frozen_time"]:
                raise InvalidRequest(
                    "frozen_time must not lie before what the customer has lived through.", param="frozen_time"
                )
            if "test_clock" in found:
                work.edit(kind, found["id"])["test_clock"] = clock["id"]
    living = [f for f in work.all("subscription") if f["customer"] == customer["id"] and f["ended_at"] is None]
    if len(living) > test_clocks.MOST_SUBSCRIPTIONS:
        raise InvalidRequest("This customer has too many subscriptions for a test clock.", param="customer")
    customer["test_clock"] = clock["id"]
    agenda.move(work, owned, clock["id"])
