"""Subscription schedules: phases that a subscription goes through by itself."""

from collections.abc import Iterator

from ..errors import InvalidRequest, NotModelled, modelled
from . import cancellation, schedule_phases, schedule_states
from .fields import absent, in_range, merged_metadata, new_metadata, non_negative
from .periods import DAY
from .schedule_states import KIND
from .work import Obj, Work, copied

_CREATE = {
    "billing_mode", "customer", "default_settings", "end_behavior", "from_subscription", "metadata", "phases",
    "start_date",
}  # fmt: skip
_SETTINGS = {"billing_cycle_anchor", "collection_method", "default_payment_method", "description", "invoice_settings"}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/subscription_schedules: of a `customer` with `phases` from `start_date` on, or `from_subscription`.

    One that starts now creates its subscription at once. Emits subscription_schedule.created.
    """
    modelled(params, _CREATE, "subscription schedules")
    if "from_subscription" in params:
        return _adopted(work, params)
    if "customer" not in params:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = work.edit("customer", params["customer"], param="customer")
    start = params.get("start_date", "now")
    begin = work.now if start == "now" else start
    if begin > work.now + 5 * 366 * DAY or begin < work.now:
        raise InvalidRequest("`start_date` lies within the next five years.", param="start_date")
    phases = schedule_phases.read(work, params.get("phases", []), begin)
    schedule = work.add(KIND, _body(work, params, customer["id"], phases))
    if begin == work.now:
        schedule_phases.begin(work, schedule)
    schedule_states.plan(work, schedule)
    work.emit("subscription_schedule.created", schedule)
    return schedule


def retrieve(work: Work, _params: Obj, schedule_id: str) -> Obj:
    """GET /v1/subscription_schedules/{id}."""
    return work.read(KIND, schedule_id)


def update(work: Work, params: Obj, schedule_id: str) -> Obj:
    """POST /v1/subscription_schedules/{id}: `phases` replaces those that are not over.

    The first one given is the current one and begins where that began; what it changes is changed now, with
    `proration_behavior` (default create_prorations).
    """
    modelled(params, {"default_settings", "end_behavior", "metadata", "phases", "proration_behavior"}, "schedules")
    schedule = _living(work, schedule_id)
    before = copied(schedule)
    schedule["metadata"] = merged_metadata(schedule["metadata"], params.get("metadata"))
    if "end_behavior" in params:
        schedule["end_behavior"] = _end_behavior(params)
    if "default_settings" in params:
        _set_defaults(schedule, params["default_settings"])
    if "phases" in params:
        _replace(work, schedule, params)
    schedule_states.plan(work, schedule)
    work.emit_updated("subscription_schedule.updated", before, schedule)
    return schedule


def release(work: Work, params: Obj, schedule_id: str) -> Obj:
    """POST /v1/subscription_schedules/{id}/release: the subscription goes on as it is."""
    modelled(params, {"preserve_cancel_date"}, "releasing a schedule")
    schedule = _living(work, schedule_id)
    schedule_states.finish(work, schedule, "released")
    return schedule


def cancel(work: Work, params: Obj, schedule_id: str) -> Obj:
    """POST /v1/subscription_schedules/{id}/cancel: its subscription, when it has begun, is cancelled now."""
    modelled(params, {"invoice_now", "prorate"}, "cancelling a schedule")
    schedule = _living(work, schedule_id)
    subscription_id = schedule["subscription"]
    schedule_states.finish(work, schedule, "canceled")
    if subscription_id is not None:
        how = {"invoice_now": params.get("invoice_now", True), "prorate": params.get("prorate", True)}
        cancellation.cancel(work, how, subscription_id)
    return schedule


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/subscription_schedules, by `customer`, `scheduled` (not begun) and times."""
    for schedule in work.all(KIND):
        if params.get("customer", schedule["customer"]) != schedule["customer"]:
            continue
        if "scheduled" in params and params["scheduled"] != (schedule["status"] == "not_started"):
            continue
        names = [name for name in ("canceled_at", "completed_at", "created", "released_at") if name in params]
        if all(in_range(schedule[name] or 0, params[name]) for name in names):
            yield schedule


def _adopted(work: Work, params: Obj) -> Obj:
    modelled(params, {"from_subscription", "metadata"}, "schedules of a subscription")
    subscription = work.edit("subscription", params["from_subscription"], param="from_subscription")
    if subscription["ended_at"] is not None or subscription["status"] == "incomplete":
        raise InvalidRequest("The subscription is not active.", param="from_subscription")
    if subscription["schedule"] is not None:
        raise InvalidRequest("The subscription has a schedule already.", param="from_subscription")
    phase = schedule_phases.of_subscription(subscription)
    schedule = work.add(KIND, _body(work, params, subscription["customer"], [phase]))
    schedule["billing_mode"] = copied(subscription["billing_mode"])
    schedule["default_settings"].update(
        collection_method=subscription["collection_method"],
        default_payment_method=subscription["default_payment_method"],
    )
    schedule["default_settings"]["invoice_settings"]["days_until_due"] = subscription["days_until_due"]
    schedule.update(status="active", subscription=subscription["id"], current_phase=schedule_phases.span(phase))
    subscription["schedule"] = schedule["id"]
    schedule_states.plan(work, schedule)
    work.emit("subscription_schedule.created", schedule)
    work.emit("customer.subscription.updated", subscription, {"schedule": None})
    return schedule


def _replace(work: Work, schedule: Obj, params: Obj) -> None:
    running = schedule["current_phase"]
    start = (running or schedule["phases"][0])["start_date"]
    given = params["phases"]
    if running is None and given:
        start = work.now if given[0].get("start_date") == "now" else given[0].get("start_date", start)
    former = schedule_phases.current(schedule, work.now)
    past = [phase for phase in schedule["phases"] if phase["end_date"] <= start]
    schedule["phases"] = past + schedule_phases.read(work, given, start)
    if running is None:
        return
    phase = schedule_phases.current(schedule, work.now)
    if phase is None:
        raise InvalidRequest("The current phase must not be over.", param="phases")
    schedule["current_phase"] = schedule_phases.span(phase)
    if former is None or any(phase[name] != former[name] for name in phase if name not in ("start_date", "end_date")):
        schedule_phases.carry_out(work, schedule, phase, params.get("proration_behavior", "create_prorations"))


def _living(work: Work, schedule_id: str) -> Obj:
    schedule = work.edit(KIND, schedule_id)
    if schedule["status"] not in ("not_started", "active"):
        raise InvalidRequest(f"The schedule is {schedule['status']} and can no longer be changed.")
    return schedule


def _end_behavior(params: Obj) -> str:
    wanted = str(params.get("end_behavior", "release"))
    if wanted not in ("cancel", "release"):
        raise NotModelled(f"end_behavior={wanted}", param="end_behavior")
    return wanted


def _body(work: Work, params: Obj, customer_id: str, phases: list[Obj]) -> Obj:
    if params.get("billing_mode", {}).get("type") == "classic":
        raise NotModelled("the classic billing mode", param="billing_mode[type]")
    flexible = params.get("billing_mode", {}).get("flexible", {})
    schedule: Obj = {
        **absent(
            "application", "canceled_at", "completed_at", "current_phase", "customer_account", "released_at",
            "released_subscription", "subscription",
        ),
        "id": work.new_id("sub_sched"),
        "object": KIND,
        "billing_mode": {
            "flexible": {"proration_discounts": flexible.get("proration_discounts", "included")},
            "type": "flexible",
        },
        "created": work.now,
        "customer": customer_id,
        "default_settings": _defaults(),
        "end_behavior": _end_behavior(params),
        "livemode": False,
        "metadata": new_metadata(params.get("metadata")),
        "pause_schedules": [],
        "phases": phases,
        "status": "not_started",
        "test_clock": work.read("customer", customer_id)["test_clock"],
        "_": {},
    }  # fmt: skip
    _set_defaults(schedule, params.get("default_settings", {}))
    return schedule


def _defaults() -> Obj:
    return {
        **absent(
            "application_fee_percent", "billing_thresholds", "collection_method", "default_payment_method",
            "description", "on_behalf_of", "transfer_data",
        ),
        "billing_cycle_anchor": "automatic",
        "invoice_settings": {
            **absent("account_tax_ids", "custom_fields", "days_until_due", "description", "footer"),
            "issuer": {"type": "self"},
        },
    }  # fmt: skip


def _set_defaults(schedule: Obj, given: Obj) -> None:
    modelled(given, _SETTINGS, "default settings of schedules")
    if given.get("billing_cycle_anchor") == "phase_start":
        raise NotModelled("billing_cycle_anchor as a default", param="default_settings[billing_cycle_anchor]")
    settings = given.get("invoice_settings", {})
    modelled(settings, {"days_until_due"}, "invoice settings of schedules")
    non_negative(settings.get("days_until_due", 0), "default_settings[invoice_settings][days_until_due]")
    schedule["default_settings"]["invoice_settings"].update(settings)
    for name in ("collection_method", "default_payment_method", "description"):
        if name in given:
            schedule["default_settings"][name] = given[name] or None
