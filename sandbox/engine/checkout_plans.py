"""The subscription that a Checkout session begins: `subscription_data`, checked and turned into its start."""

from ..errors import InvalidRequest, modelled
from . import checkout_items, tax_rates, trials
from .fields import new_metadata
from .subscription_body import Start
from .work import Obj, Work, copied

_KNOWN = {
    "billing_cycle_anchor", "billing_mode", "default_tax_rates", "description", "metadata",
    "proration_behavior", "trial_end", "trial_period_days", "trial_settings",
}  # fmt: skip


def checked(work: Work, params: Obj) -> Obj:
    """`subscription_data` as the session keeps it; InvalidRequest outside of subscription mode and for bad trials."""
    data: Obj = params.get("subscription_data", {})
    if params["mode"] != "subscription":
        if data:
            raise InvalidRequest(
                f"You can not pass `subscription_data` in `{params['mode']}` mode.", param="subscription_data"
            )
        return {}
    modelled(data, _KNOWN, "subscription_data")
    new_metadata(data.get("metadata"))
    trial_end = trials.end_after(work, data.get("trial_period_days"), data.get("trial_end"), "subscription_data")
    if data.get("trial_end") is not None and data["trial_end"] < work.now + 48 * 3600:
        raise InvalidRequest(
            "The `trial_end` date has to be at least 2 days in the future.", param="subscription_data[trial_end]"
        )
    anchor = data.get("billing_cycle_anchor")
    if anchor is not None and trial_end is not None:
        raise InvalidRequest(
            "`billing_cycle_anchor` cannot be combined with a trial in Checkout.",
            param="subscription_data[billing_cycle_anchor]",
        )
    if anchor is not None and anchor <= work.now:
        raise InvalidRequest(
            "`billing_cycle_anchor` must be in the future.", param="subscription_data[billing_cycle_anchor]"
        )
    if data.get("trial_settings") is not None and trial_end is None:
        raise InvalidRequest("`trial_settings` needs a trial.", param="subscription_data[trial_settings]")
    kept: Obj = copied(data)
    return kept


def default_rates(work: Work, params: Obj) -> list[Obj]:
    """The tax rates of `subscription_data`, for every item without rates of its own."""
    given = params.get("subscription_data", {}).get("default_tax_rates")
    return tax_rates.chosen(work, given, param="subscription_data[default_tax_rates]")


def trial_end(work: Work, session: Obj) -> int | None:
    """When the trial of a subscription that starts now would end (UTC seconds), or None."""
    data = session["_"]["subscription_data"]
    return trials.end_after(work, data.get("trial_period_days"), data.get("trial_end"), "subscription_data")


def start_of(work: Work, session: Obj, customer_id: str, method_id: str | None = None) -> Start:
    """What the subscription of a session that is paid now begins with."""
    data = session["_"]["subscription_data"]
    recurring = [item for item in session["_"]["items"] if checkout_items.is_recurring(item) and item["quantity"] != 0]
    return Start(
        customer=customer_id,
        items=[(item["price"], item["quantity"], dict(item["metadata"])) for item in recurring],
        metadata=dict(data.get("metadata", {})),
        trial_end=trial_end(work, session),
        default_payment_method=method_id,
        description=data.get("description"),
        automatic_tax=session["automatic_tax"]["enabled"],
        trial_settings=data.get("trial_settings"),
        billing_mode=data.get("billing_mode"),
        billing_cycle_anchor=data.get("billing_cycle_anchor"),
        currency=session["currency"],
        prorates=data.get("proration_behavior") != "none",
        default_tax_rates=session["_"]["default_tax_rates"],
        item_tax_rates=[item["_"]["tax_rates"] for item in recurring],
    )
