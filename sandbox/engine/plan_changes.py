"""Changes of plan: other items, another anchor; what they give back, cost and bill at once.

`create_prorations` leaves the prorations pending for the next invoice, `always_invoice` bills them now, `none`
makes none. `billing_cycle_anchor` now begins new periods that are billed at once. In flexible billing mode the
anchor never moves by itself, and the usage of a metered price that goes is billed (stripe.md §4 and §5.1); as
usage cannot wait as a pending item, that makes an invoice at once in any case (assumed).
"""

from dataclasses import dataclass, field

from ..errors import InvalidRequest
from . import (
    added_items,
    billing_cycles,
    cancellation,
    item_changes,
    proration_items,
    subscription_discounts,
    subscription_invoices,
    usage_lines,
)
from .invoice_body import Draft
from .invoice_lines import is_metered
from .item_changes import Change
from .work import Obj, Work, copied

_BILLED = ("active", "past_due", "unpaid")


@dataclass(slots=True)
class Plan:
    """A change that was asked for: `at` is the time its prorations count from (UTC seconds).

    `begins_trial`: a running subscription gets a trial with it; what was paid is given back by trials.py.
    """

    at: int
    prorations: str = "create_prorations"
    restarts: bool = False
    begins_trial: bool = False
    added: list[Obj] = field(default_factory=list)  # the entries of `add_invoice_items`
    changes: list[Change] = field(default_factory=list)

    @property
    def alters(self) -> bool:
        """Whether anything changes that costs something."""
        return self.restarts or any(change.alters for change in self.changes)

    @property
    def bills_now(self) -> bool:
        """Whether what it costs is wanted on an invoice at once."""
        return self.prorations == "always_invoice" and (self.alters or bool(self.added))


def plan(work: Work, subscription: Obj, params: Obj, param: str = "items") -> Plan:
    """What a request asks for, checked against the subscription as it is."""
    wanted = params.get("trial_end")
    found = Plan(
        at=params.get("proration_date", work.now),
        prorations=params.get("proration_behavior", "create_prorations"),
        restarts=params.get("billing_cycle_anchor", {}).get("type") == "now",
        begins_trial=isinstance(wanted, int) and subscription["status"] in _BILLED,
        added=params.get("add_invoice_items", []),
        changes=item_changes.planned(work, subscription, params.get("items", []), param),
    )
    if found.restarts and "proration_date" in params:
        raise InvalidRequest(
            "`proration_date` cannot be given when `billing_cycle_anchor` is now.", param="proration_date"
        )
    if found.restarts and subscription["status"] == "trialing" and wanted != "now":
        raise InvalidRequest(
            "The billing cycle of a trial begins when the trial ends; end it with `trial_end` now.",
            param="billing_cycle_anchor",
        )
    if found.restarts and (isinstance(wanted, int) or subscription["status"] == "paused"):
        raise InvalidRequest("The billing cycle cannot begin now.", param="billing_cycle_anchor")
    if "proration_date" in params:
        _check_date(subscription, found.at)
    return found


def carry_out(work: Work, subscription: Obj, wanted: Plan, params: Obj) -> Draft | None:
    """Changes the working copy and makes the prorations; returns what is to be billed now, or None.

    The order: credits of what was billed, the new items with their discounts, what is billed once, then debits at
    the new terms. `params` are those of Subscriptions.update that change discounts and tax rates.
    """
    billed = subscription["status"] in _BILLED
    before = copied(subscription)
    terms = subscription_discounts.item_terms(work, subscription)
    if billed and wanted.prorations != "none":
        _give_back(work, before, wanted)
    item_changes.carry_out(work, subscription, wanted.changes, wanted.at)
    if wanted.restarts:
        _restart(work, subscription)
    subscription_discounts.change(work, subscription, params)
    item_changes.reduce(work, subscription, wanted.changes)
    _keep_end(work, subscription, before)
    added_items.put(work, subscription, wanted.added)
    if subscription["status"] == "trialing" and wanted.added and wanted.bills_now and "trial_end" not in params:
        return _drafted(work, subscription, [])
    if not billed or wanted.begins_trial:
        return None
    if wanted.prorations != "none" and not wanted.restarts:
        for change in wanted.changes:
            if change.alters and change.item is not None:
                proration_items.charge(work, subscription, change.item, wanted.at)
    return _draft(work, before, subscription, wanted, terms)


def _give_back(work: Work, before: Obj, wanted: Plan) -> None:
    gone = {
        change.former["id"]
        for change in wanted.changes
        if change.former is not None and (change.removes or (change.alters and not wanted.begins_trial))
    }
    for item in before["items"]["data"]:
        if wanted.restarts or item["id"] in gone:
            proration_items.give_back(work, before, item, wanted.at)


def _restart(work: Work, subscription: Obj) -> None:
    subscription.update(billing_cycle_anchor=work.now, billing_cycle_anchor_config=None)
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = None
    if subscription["status"] != "trialing":
        billing_cycles.begin(subscription, work.now)


def _keep_end(work: Work, subscription: Obj, before: Obj) -> None:
    """Whoever cancels at the end of the period cancels at the end of the new one."""
    if not subscription["cancel_at_period_end"]:
        return
    if billing_cycles.last_end(subscription) != billing_cycles.last_end(before) or subscription["cancel_at"] is None:
        cancellation.at_period_end(work, subscription, wanted=True)


def _draft(work: Work, before: Obj, subscription: Obj, wanted: Plan, terms: Obj) -> Draft | None:
    ending = [change.former for change in wanted.changes if change.ends_usage and change.former is not None]
    if wanted.restarts:
        named = {item["id"] for item in ending}
        ending += [item for item in before["items"]["data"] if is_metered(item) and item["id"] not in named]
    used = usage_lines.has_usage(work, {**before, "items": {"data": ending}})
    if not (wanted.restarts or used or wanted.bills_now):
        return None
    draft = _drafted(work, subscription, subscription["items"]["data"] if wanted.restarts else [])
    draft.item_terms = {**terms, **draft.item_terms}
    if used:
        draft.lines = usage_lines.of_periods(work, draft.id, before, ending, work.now) + draft.lines
    return draft if draft.lines else None


def _drafted(work: Work, subscription: Obj, items: list[Obj]) -> Draft:
    """What bills these items' periods, and what is pending, now."""
    return subscription_invoices.of_items(
        work,
        subscription,
        items,
        "subscription_update",
        invoice_id=work.new_id("in"),
        at_once=subscription["pause_collection"] is None,
    )


def _check_date(subscription: Obj, at: int) -> None:
    begun = min(item["current_period_start"] for item in subscription["items"]["data"])
    if not begun <= at < billing_cycles.last_end(subscription):
        raise InvalidRequest("`proration_date` must lie within the current period.", param="proration_date")
