"""The body of a new subscription and of its items: every key that the contract requires."""

from dataclasses import dataclass, field
from typing import Any

from ..errors import NotModelled, modelled
from . import billing_cycles, prices
from .fields import absent, list_object
from .periods import next_occurrence
from .work import Obj, Work, copied


@dataclass(slots=True)
class Start:
    """What a new subscription begins with. `trial_end` in UTC seconds, None without a trial."""

    customer: str
    items: list[tuple[Obj, int, Obj]]  # price, quantity, metadata
    metadata: Obj = field(default_factory=dict)
    trial_end: int | None = None
    default_payment_method: str | None = None
    description: str | None = None
    automatic_tax: bool = False
    trial_settings: Obj | None = None
    payment_settings: Obj | None = None
    billing_mode: Obj | None = None
    billing_cycle_anchor: int | None = None
    billing_cycle_anchor_config: Obj | None = None
    collection_method: str = "charge_automatically"
    days_until_due: int | None = None
    currency: str | None = None  # the prices' own when not given
    prorates: bool = True  # whether a first period that is cut short by the anchor is billed
    discounts: Any = None  # the entries of `discounts` to redeem, see discounts.resolve
    default_tax_rates: list[Obj] = field(default_factory=list)
    item_discounts: list[Any] = field(default_factory=list)  # such entries for each item
    item_tax_rates: list[list[Obj]] = field(default_factory=list)
    takes_pending: bool = False  # whether the first invoice takes what is pending for the customer
    once: list[str] = field(default_factory=list)  # invoice items that it takes in any case
    sets_up: bool = False  # whether a start without a payment makes a `pending_setup_intent`
    added: list[Obj] = field(default_factory=list)  # the entries of `add_invoice_items`


def subscription_body(work: Work, given: Start, test_clock: str | None) -> Obj:
    """A subscription that starts now, `trialing` or `incomplete`; the latter until its first invoice tells more."""
    subscription_id = work.new_id("sub")
    items = [item_body(work, subscription_id, *item) for item in given.items]
    subscription: Obj = {
        **_unused(),
        **_terms(given),
        "id": subscription_id,
        "object": "subscription",
        "billing_cycle_anchor": _anchor(work, given),
        "billing_cycle_anchor_config": _anchor_config(given.billing_cycle_anchor_config),
        "cancel_at_period_end": False,
        "cancellation_details": absent("comment", "feedback", "feedback_option", "reason"),
        "collection_method": given.collection_method,
        "created": work.now,
        "currency": given.currency or given.items[0][0]["currency"],
        "customer": given.customer,
        "days_until_due": given.days_until_due,
        "items": list_object(items, f"/v1/subscription_items?subscription={subscription_id}"),
        "livemode": False,
        "metadata": given.metadata,
        "start_date": work.now,
        "status": "trialing" if given.trial_end else "incomplete",
        "test_clock": test_clock,
        "trial_end": given.trial_end,
        "trial_start": work.now if given.trial_end else None,
        "_": {},
    }
    if given.trial_end is None:
        billing_cycles.begin(subscription, work.now)
    else:
        for item in items:
            item["current_period_end"] = given.trial_end
    return subscription


def payment_settings(given: Obj) -> Obj:
    """The payment settings that a request names, as they are stored."""
    modelled(given, {"save_default_payment_method", "payment_method_types"}, "payment_settings")
    return {name: value or None for name, value in given.items()}


def trial_settings(given: Obj | None) -> Obj:
    """What happens at the end of a trial; without a wish, an invoice is made."""
    behavior = (given or {}).get("end_behavior", {})
    return {
        "end_behavior": {
            "billing_cycle_anchor": behavior.get("billing_cycle_anchor"),
            "missing_payment_method": behavior.get("missing_payment_method", "create_invoice"),
        }
    }


def _anchor(work: Work, given: Start) -> int:
    """Where the grid of periods begins: as asked for, at the end of the trial, or now."""
    if given.billing_cycle_anchor is not None:
        return given.billing_cycle_anchor
    if given.billing_cycle_anchor_config is not None:
        return next_occurrence(given.trial_end or work.now, given.billing_cycle_anchor_config)
    behavior = trial_settings(given.trial_settings)["end_behavior"]["billing_cycle_anchor"]
    return work.now if given.trial_end is None or behavior == "unchanged" else given.trial_end


def _anchor_config(given: Obj | None) -> Obj | None:
    names = ("day_of_month", "hour", "minute", "month", "second")
    return None if given is None else {name: given.get(name) for name in names}


def _billing_mode(given: Obj | None) -> Obj:
    if given is not None and given["type"] == "classic":
        raise NotModelled("the classic billing mode", param="billing_mode[type]")
    discounts = (given or {}).get("flexible", {}).get("proration_discounts", "included")
    return {"type": "flexible", "flexible": {"proration_discounts": discounts}}


def _terms(given: Start) -> Obj:
    """What the request chose about paying."""
    return {
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": given.automatic_tax,
            "liability": {"type": "self"} if given.automatic_tax else None,
        },
        "billing_mode": _billing_mode(given.billing_mode),
        "default_payment_method": given.default_payment_method,
        "description": given.description,
        "payment_settings": {
            **absent("payment_method_options", "payment_method_types"),
            "save_default_payment_method": "off",
            **payment_settings(given.payment_settings or {}),
        },
        "trial_settings": trial_settings(given.trial_settings),
    }


def _unused() -> Obj:
    """Required keys of what the sandbox does not have yet: present, and null or empty."""
    return {
        **absent(
            "application", "application_fee_percent", "billing_thresholds", "cancel_at", "canceled_at",
            "customer_account", "default_source", "ended_at", "latest_invoice",
            "next_pending_invoice_item_invoice", "on_behalf_of", "pause_collection",
            "pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule", "transfer_data",
        ),
        "billing_schedules": [],
        "default_tax_rates": [],
        "discounts": [],
        "invoice_settings": {
            **absent("account_tax_ids", "custom_fields", "description", "footer"),
            "issuer": {"type": "self"},
        },
        "managed_payments": {"enabled": False},
    }  # fmt: skip


def item_body(work: Work, subscription_id: str, price: Obj, quantity: int, metadata: Obj) -> Obj:
    """A new item, whose period is set by whoever adds it. Metered prices leave the quantity out."""
    # Metered items have no quantity: they are billed for what is used.
    counted = {} if price["recurring"]["usage_type"] == "metered" else {"quantity": quantity}
    return {
        "id": work.new_id("si"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": work.now,
        "current_period_end": work.now,
        "current_period_start": work.now,
        "current_trial": None,
        "discounts": [],
        "metadata": metadata,
        "plan": prices.plan_of(price),
        "price": copied(price),
        **counted,
        "subscription": subscription_id,
        "tax_rates": [],
    }
