"""The body of a new subscription and of its items: every key that the contract requires."""

from dataclasses import dataclass, field

from ..errors import NotModelled, modelled
from . import prices
from .fields import absent, list_object
from .periods import period_end
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


def subscription_body(work: Work, given: Start) -> Obj:
    """A subscription that starts now: `trialing`, `active` when it costs nothing, else `incomplete`."""
    subscription_id = work.new_id("sub")
    total = sum(prices.amount_of(price, quantity) for price, quantity, _ in given.items)
    items = [_item(work, subscription_id, *item) for item in given.items]
    for item in items:
        item["current_period_end"] = given.trial_end or period_end(work.now, item["price"]["recurring"])
    return {
        **_unused(),
        **_terms(given),
        "id": subscription_id,
        "object": "subscription",
        "billing_cycle_anchor": given.trial_end or work.now,
        "cancel_at_period_end": False,
        "cancellation_details": absent("comment", "feedback", "feedback_option", "reason"),
        "collection_method": "charge_automatically",
        "created": work.now,
        "currency": given.items[0][0]["currency"],
        "customer": given.customer,
        "items": list_object(items, f"/v1/subscription_items?subscription={subscription_id}"),
        "livemode": False,
        "metadata": given.metadata,
        "start_date": work.now,
        "status": "trialing" if given.trial_end else "active" if total == 0 else "incomplete",
        "trial_end": given.trial_end,
        "trial_start": work.now if given.trial_end else None,
    }


def _billing_mode(given: Obj | None) -> Obj:
    if given is not None and given["type"] == "classic":
        raise NotModelled("the classic billing mode", param="billing_mode[type]")
    discounts = (given or {}).get("flexible", {}).get("proration_discounts", "included")
    return {"type": "flexible", "flexible": {"proration_discounts": discounts}}


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
            "application", "application_fee_percent", "billing_cycle_anchor_config", "billing_thresholds",
            "cancel_at", "canceled_at", "customer_account", "days_until_due", "default_source", "ended_at",
            "latest_invoice", "next_pending_invoice_item_invoice", "on_behalf_of", "pause_collection",
            "pending_invoice_item_interval", "pending_setup_intent", "pending_update", "schedule",
            "test_clock", "transfer_data",
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


def _item(work: Work, subscription_id: str, price: Obj, quantity: int, metadata: Obj) -> Obj:
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
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }
