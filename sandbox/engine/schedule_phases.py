"""The phases of a subscription schedule: read from a request, and carried out on the subscription."""

from typing import Any

from ..errors import InvalidRequest, modelled
from . import cancellation, schedule_states, subscription_updates, subscriptions, tax_rates
from .billing_cycles import first_end
from .fields import absent, new_metadata, non_negative
from .money import currency_code
from .periods import period_end
from .work import Obj, Work, copied

_PHASE = {
    "billing_cycle_anchor", "collection_method", "currency", "default_payment_method", "default_tax_rates",
    "description", "discounts", "duration", "end_date", "invoice_settings", "items", "metadata",
    "proration_behavior", "start_date", "trial", "trial_end",
}  # fmt: skip
_ITEM = {"discounts", "metadata", "plan", "price", "quantity", "tax_rates"}


def read(work: Work, given: list[Obj], start: int) -> list[Obj]:
    """The phases that follow each other from `start` on (UTC seconds).

    The last one may leave its end out: it lasts one period of its first item (assumed). InvalidRequest for one
    that ends before it begins, or does not begin where the one before it ended.
    """
    if not given:
        raise InvalidRequest("Missing required param: phases.", code="parameter_missing", param="phases")
    found: list[Obj] = []
    for index, each in enumerate(given):
        param = f"phases[{index}]"
        modelled(each, _PHASE, "phases")
        begin = _time(work, each.get("start_date"), start)
        if begin != start:
            raise InvalidRequest("A phase begins where the one before it ends.", param=f"{param}[start_date]")
        items = [_item(work, item, f"{param}[items][{place}]") for place, item in enumerate(each["items"])]
        if not items:
            raise InvalidRequest("A phase needs items.", param=f"{param}[items]")
        end = _end(work, each, items, begin, param, last=index == len(given) - 1)
        found.append(_phase(work, each, items, begin, end, param))
        start = end
    return found


def of_subscription(subscription: Obj) -> Obj:
    """The phase that a running subscription is in: its current period."""
    items = subscription["items"]["data"]
    return {
        **_blank(),
        "currency": subscription["currency"],
        "default_tax_rates": copied(subscription["default_tax_rates"]),
        "end_date": first_end(subscription),
        "items": [
            {
                "billing_thresholds": None,
                "discounts": [{**_no_discount(), "discount": each} for each in item["discounts"]],
                "metadata": copied(item["metadata"]),
                "plan": item["price"]["id"],
                "price": item["price"]["id"],
                **({"quantity": item["quantity"]} if "quantity" in item else {}),
                "tax_rates": copied(item["tax_rates"]),
            }
            for item in items
        ],
        "discounts": [{**_no_discount(), "discount": each} for each in subscription["discounts"]],
        "start_date": min(item["current_period_start"] for item in items),
        "trial_end": subscription["trial_end"] if subscription["status"] == "trialing" else None,
    }


def begin(work: Work, schedule: Obj) -> None:
    """The first phase begins: the subscription is created; `incomplete` when there is nothing to charge (assumed)."""
    phase = schedule["phases"][0]
    given = {**_terms(schedule, phase), "customer": schedule["customer"], "billing_mode": schedule["billing_mode"]}
    given["items"] = [_entry(item) for item in phase["items"]]
    if phase["trial_end"] is not None:
        given["trial_end"] = phase["trial_end"]
    own = work.read("customer", schedule["customer"])["invoice_settings"]["default_payment_method"]
    if own is None and "default_payment_method" not in given:
        given["payment_behavior"] = "default_incomplete"
    subscription = subscriptions.create(work, {name: value for name, value in given.items() if value not in (None, "")})
    subscription["schedule"] = schedule["id"]
    schedule.update(status="active", subscription=subscription["id"], current_phase=_span(phase))


def advance_due(work: Work, schedule_id: str) -> None:
    """The agenda's, where a phase begins or the last one ends."""
    schedule = work.edit(schedule_states.KIND, schedule_id)
    before = copied(schedule)
    if schedule["status"] == "not_started":
        begin(work, schedule)
        _announce(work, before, schedule)
        return
    following = next((each for each in schedule["phases"] if each["start_date"] == work.now), None)
    if following is not None:
        carry_out(work, schedule, following, following["proration_behavior"])
        schedule["current_phase"] = _span(following)
        _announce(work, before, schedule)
    elif schedule["end_behavior"] == "cancel":
        subscription_id = schedule["subscription"]
        schedule_states.finish(work, schedule, "completed")
        cancellation.cancel_due(work, subscription_id)
    else:
        schedule_states.finish(work, schedule, "released")


def reach(work: Work, subscription: Obj) -> None:
    """A renewal is due: what the schedule changes at the same second comes first, so that it is billed."""
    schedule_id = subscription["schedule"]
    if schedule_id is not None:
        schedule = work.read(schedule_states.KIND, schedule_id)
        if schedule_states.next_change(schedule) == work.now:
            advance_due(work, schedule_id)


def carry_out(work: Work, schedule: Obj, phase: Obj, prorations: str) -> None:
    """Changes the subscription to what a phase says. At the end of a period its renewal bills the new items.

    A discount that the subscription has no more when the phase begins is passed over (assumed: Stripe says nothing of
    it, and a phase that fails would stop the renewal).
    """
    subscription = work.edit("subscription", schedule["subscription"])
    phase = _without_ended(subscription, phase)
    renews = first_end(subscription) <= work.now and subscription["status"] != "trialing"
    known = {item["id"] for item in subscription["items"]["data"]}
    params: Obj = {**_terms(schedule, phase), "items": _entries(subscription, phase)}
    params["proration_behavior"] = "none" if renews else prorations
    if phase["trial_end"] is not None and phase["trial_end"] > work.now:
        params["trial_end"] = phase["trial_end"]
    elif phase["billing_cycle_anchor"] == "phase_start" and not renews and subscription["status"] != "trialing":
        params["billing_cycle_anchor"] = {"type": "now"}
    subscription_updates.perform(work, subscription, params)
    if renews and "trial_end" not in params:
        if phase["billing_cycle_anchor"] == "phase_start":
            subscription.update(billing_cycle_anchor=work.now, billing_cycle_anchor_config=None)
        for item in subscription["items"]["data"]:
            if item["id"] not in known:
                item.update(current_period_start=work.now, current_period_end=work.now)


def current(schedule: Obj, at: int) -> Obj | None:
    """The phase that a time falls into, or None."""
    return next((each for each in schedule["phases"] if each["start_date"] <= at < each["end_date"]), None)


def span(phase: Obj) -> Obj:
    """What `current_phase` shows."""
    return _span(phase)


def _announce(work: Work, before: Obj, schedule: Obj) -> None:
    schedule_states.plan(work, schedule)
    work.emit_updated("subscription_schedule.updated", before, schedule)


def _span(phase: Obj) -> Obj:
    return {"end_date": phase["end_date"], "start_date": phase["start_date"]}


def _time(work: Work, given: Any, default: int) -> int:
    return work.now if given == "now" else int(default if given is None else given)


def _end(work: Work, given: Obj, items: list[Obj], begin: int, param: str, *, last: bool) -> int:
    if "end_date" in given and "duration" in given:
        raise InvalidRequest("Only one of end_date and duration can be given.", param=f"{param}[duration]")
    if "end_date" in given:
        end = _time(work, given["end_date"], begin)
    elif "duration" in given:
        end = period_end(begin, {"interval_count": 1, **given["duration"]})
    elif last:
        end = period_end(begin, work.read("price", items[0]["price"])["recurring"])
    else:
        raise InvalidRequest("Every phase but the last needs `end_date` or `duration`.", param=f"{param}[end_date]")
    if end <= begin:
        raise InvalidRequest("A phase must end after it begins.", param=f"{param}[end_date]")
    return end


def _item(work: Work, given: Obj, param: str) -> Obj:
    modelled(given, _ITEM, "items of phases")
    price_id = given.get("price", given.get("plan"))
    if price_id is None:
        raise InvalidRequest(f"Missing required param: {param}[price].", code="parameter_missing", param=param)
    price = work.read("price", price_id, param=f"{param}[price]")
    if price["recurring"] is None:
        raise InvalidRequest("Phases take prices with `type=recurring` only.", param=f"{param}[price]")
    metered = price["recurring"]["usage_type"] == "metered"
    return {
        "billing_thresholds": None,
        "discounts": [{**_no_discount(), **each} for each in given.get("discounts") or ()],
        "metadata": new_metadata(given.get("metadata")),
        "plan": price_id,
        "price": price_id,
        **({} if metered else {"quantity": non_negative(given.get("quantity", 1), f"{param}[quantity]")}),
        "tax_rates": tax_rates.chosen(work, given.get("tax_rates") or None, param=f"{param}[tax_rates]"),
    }


def _phase(work: Work, given: Obj, items: list[Obj], begin: int, end: int, param: str) -> Obj:
    settings = given.get("invoice_settings")
    if settings is not None:
        modelled(settings, {"days_until_due"}, "invoice settings of phases")
        non_negative(settings.get("days_until_due", 0), f"{param}[invoice_settings][days_until_due]")
        names = ("account_tax_ids", "custom_fields", "days_until_due", "description", "footer", "issuer")
        settings = {**absent(*names), **settings}
    wanted = end if given.get("trial") else given.get("trial_end")
    rates = tax_rates.chosen(work, given.get("default_tax_rates") or None, param="phases[default_tax_rates]")
    return {
        **_blank(),
        **{
            name: given[name] or None
            for name in ("billing_cycle_anchor", "collection_method", "default_payment_method", "description")
            if name in given
        },
        "currency": _currency(work, given, items, param),
        "default_tax_rates": rates,
        "discounts": [{**_no_discount(), **each} for each in given.get("discounts") or ()],
        "end_date": end,
        "invoice_settings": settings,
        "items": items,
        "metadata": new_metadata(given.get("metadata")),
        "proration_behavior": given.get("proration_behavior", "create_prorations"),
        "start_date": begin,
        "trial_end": None if wanted in (None, "now") else wanted,
    }


def _currency(work: Work, given: Obj, items: list[Obj], param: str) -> str:
    if "currency" in given:
        return currency_code(given["currency"], param=f"{param}[currency]")
    return str(work.read("price", items[0]["price"])["currency"])


def _blank() -> Obj:
    return {
        **absent(
            "application_fee_percent", "billing_cycle_anchor", "billing_thresholds", "collection_method",
            "default_payment_method", "description", "invoice_settings", "on_behalf_of", "transfer_data", "trial_end",
        ),
        "add_invoice_items": [],
        "discounts": [],
        "metadata": {},
        "proration_behavior": "create_prorations",
    }  # fmt: skip


def _no_discount() -> Obj:
    return absent("coupon", "discount", "promotion_code")


def _given(entries: list[Obj]) -> Any:
    """Entries of `discounts` as a request names them; "" takes all away."""
    return [{name: value for name, value in each.items() if value is not None} for each in entries] or ""


def _terms(schedule: Obj, phase: Obj) -> Obj:
    """The parameters of the subscription that a phase sets, else the schedule's default settings."""
    default = schedule["default_settings"]
    method = phase["collection_method"] or default["collection_method"] or "charge_automatically"
    terms: Obj = {
        "collection_method": method,
        "default_tax_rates": [rate["id"] for rate in phase["default_tax_rates"]] or "",
        "discounts": _given(phase["discounts"]),
        "metadata": phase["metadata"] or None,
    }
    if method == "send_invoice":
        settings = phase["invoice_settings"] or default["invoice_settings"]
        terms["days_until_due"] = settings["days_until_due"]
    for name in ("default_payment_method", "description"):
        if phase[name] or default[name]:
            terms[name] = phase[name] or default[name]
    return terms


def _without_ended(subscription: Obj, phase: Obj) -> Obj:
    """The phase with those discounts only that can still be reused."""
    held = {each for owner in (subscription, *subscription["items"]["data"]) for each in owner["discounts"]}

    def left(entries: list[Obj]) -> list[Obj]:
        return [each for each in entries if each["discount"] is None or each["discount"] in held]

    items = [{**item, "discounts": left(item["discounts"])} for item in phase["items"]]
    return {**phase, "discounts": left(phase["discounts"]), "items": items}


def _entry(item: Obj) -> Obj:
    entry: Obj = {"price": item["price"], "metadata": item["metadata"]}
    if "quantity" in item:
        entry["quantity"] = item["quantity"]
    if item["discounts"]:
        entry["discounts"] = _given(item["discounts"])
    if item["tax_rates"]:
        entry["tax_rates"] = [rate["id"] for rate in item["tax_rates"]]
    return entry


def _entries(subscription: Obj, phase: Obj) -> list[Obj]:
    """Items of the same price stay; then the others are changed in their order, added and removed (assumed)."""
    left = list(subscription["items"]["data"])
    pairs: list[tuple[Obj, Obj | None]] = []
    for item in phase["items"]:
        same = next((each for each in left if each["price"]["id"] == item["price"]), None)
        if same is not None:
            left.remove(same)
        pairs.append((item, same))
    entries = []
    for item, kept in pairs:
        former = kept or (left.pop(0) if left else None)
        entries.append(_entry(item) if former is None else {**_entry(item), "id": former["id"]})
    return entries + [{"id": each["id"], "deleted": True} for each in left]
