"""The schedule of a change that comes at the end of the period: written from the subscription as it is, and again.

Stripe copies what a subscription has into a schedule's phases, and each phase takes away what it does not name. So the
phases are written anew whenever the subscription's discounts or its payment method change meanwhile.
"""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from portal.billing.plan_quotes import Asked
from portal.gateway.client import as_dict, gateway, keyed
from portal.gateway.errors import StripeRefused
from portal.mirror import subscriptions
from portal.mirror.discounts import reaching

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import (
        SubscriptionScheduleCreateParams,
        SubscriptionScheduleUpdateParams,
        SubscriptionScheduleUpdateParamsPhase,
        SubscriptionScheduleUpdateParamsPhaseItem,
    )

_HOLDING = ("active", "not_started")
MARK = "plan_change_id"


def begin(asked: Asked, key: str) -> dict[str, Any]:
    """Put the subscription under a schedule of its period under way."""
    params: SubscriptionScheduleCreateParams = {"from_subscription": asked.subscription_id}
    return as_dict(gateway().write(lambda s: s.v1.subscription_schedules.create(params, keyed(key))))


def read(schedule_id: str) -> dict[str, Any]:
    """The schedule as Stripe has it."""
    return as_dict(gateway().read(lambda s: s.v1.subscription_schedules.retrieve(schedule_id)))


def write(schedule: dict[str, Any], change_id: str, asked: Asked, resource: dict[str, Any], key: str) -> dict[str, Any]:
    """Give the schedule its two phases, from the subscription as just read; nothing where it has them.

    Returns it as it is then. Written twice it is the same. Raises :class:`portal.gateway.errors.StripeFailure`.
    """
    params = _params(schedule, change_id, asked, resource)
    if (schedule["metadata"] or {}).get(MARK) == change_id and _fits(schedule, params):
        return schedule
    written = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:16]
    options = keyed(f"{key}:{written}")  # Stripe remembers a key with its parameters, and these may move between tries
    return as_dict(gateway().write(lambda s: s.v1.subscription_schedules.update(schedule["id"], params, options)))


def release(schedule_id: str, key: str) -> None:
    """The subscription goes on without the schedule, whoever released it.

    Raises :class:`portal.gateway.errors.StripeFailure` while Stripe holds on to it.
    """
    options = keyed(key)
    try:
        gateway().write(lambda s: s.v1.subscription_schedules.release(schedule_id, None, options))
    except StripeRefused:
        if read(schedule_id)["status"] in _HOLDING:
            raise


def let_go(subscription_id: str, key: str) -> None:
    """Release what holds a subscription that is to end: Stripe lets nobody else say when. What it would have changed
    is dropped. Raises :class:`portal.gateway.errors.StripeFailure`.
    """
    schedule_id = subscriptions.fetch(subscription_id)["schedule"]
    if schedule_id is not None:
        release(schedule_id, f"{key}:{schedule_id}")


def _fits(schedule: dict[str, Any], params: "SubscriptionScheduleUpdateParams") -> bool:
    """Whether the schedule will do what these parameters would have it do after its present phase."""
    after = schedule["current_phase"]["end_date"]
    phases = [_shape(phase) for phase in schedule["phases"] if phase["start_date"] >= after]
    settings = params.get("default_settings") or {}
    method = settings.get("default_payment_method") or schedule["default_settings"]["default_payment_method"]
    return phases == [_shape(params["phases"][-1])] and method == schedule["default_settings"]["default_payment_method"]


def _params(
    schedule: dict[str, Any], change_id: str, asked: Asked, resource: dict[str, Any]
) -> "SubscriptionScheduleUpdateParams":
    """Two phases: the period under way as it is, and from its end on the new terms."""
    start, end = schedule["current_phase"]["start_date"], schedule["current_phase"]["end_date"]
    running = next(phase for phase in schedule["phases"] if phase["start_date"] == start)
    present = _phase(resource, start)
    present["start_date"], present["end_date"] = start, end
    present["proration_behavior"] = running["proration_behavior"]
    then = _phase(resource, end)
    for item, given in zip(resource["items"]["data"], then["items"], strict=True):
        if item["id"] == asked.item_id:
            given["price"], given["quantity"] = asked.price_id, asked.quantity
    then["proration_behavior"] = "none"
    then["duration"] = {"interval": "year" if asked.interval == "year" else "month", "interval_count": 1}
    if asked.changes_interval:
        then["billing_cycle_anchor"] = "phase_start"
    params: SubscriptionScheduleUpdateParams = {
        "end_behavior": "release",
        "phases": [present, then],
        "proration_behavior": "none",
        "metadata": {MARK: change_id},
    }
    if resource["default_payment_method"]:
        params["default_settings"] = {"default_payment_method": resource["default_payment_method"]}
    return params


def _phase(resource: dict[str, Any], at: int) -> "SubscriptionScheduleUpdateParamsPhase":
    """A phase with the subscription's items and taxes, and those of its discounts that reach into it."""
    phase: SubscriptionScheduleUpdateParamsPhase = {"items": [_item(item, at) for item in resource["items"]["data"]]}
    if discounts := reaching(resource["discounts"], at):
        phase["discounts"] = [{"discount": discount_id} for discount_id in discounts]
    if resource["default_tax_rates"]:
        phase["default_tax_rates"] = [rate["id"] for rate in resource["default_tax_rates"]]
    return phase


def _item(item: dict[str, Any], at: int) -> "SubscriptionScheduleUpdateParamsPhaseItem":
    found: SubscriptionScheduleUpdateParamsPhaseItem = {"price": item["price"]["id"]}
    if "quantity" in item:
        found["quantity"] = item["quantity"]
    if discounts := reaching(item["discounts"], at):
        found["discounts"] = [{"discount": discount_id} for discount_id in discounts]
    if item["tax_rates"]:
        found["tax_rates"] = [rate["id"] for rate in item["tax_rates"]]
    return found


def _shape(phase: Any) -> Any:
    """What a phase of a request and one of an answer have in common."""
    items = [
        (item["price"], item.get("quantity"), [each["discount"] for each in item.get("discounts") or ()])
        for item in phase["items"]
    ]
    discounts = [each["discount"] for each in phase.get("discounts") or ()]
    rates = [rate if isinstance(rate, str) else rate["id"] for rate in phase.get("default_tax_rates") or ()]
    return items, discounts, rates
