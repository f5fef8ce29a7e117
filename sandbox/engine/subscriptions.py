"""Subscriptions: starting and reading.

Flexible billing mode (the default since clover): periods live on the items, the anchor never moves by itself.
What happens to them later is in subscription_updates.py, renewals.py, trials.py, cancellation.py and pausing.py.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest, modelled
from . import (
    added_items,
    agenda,
    billing_cycles,
    cancellation,
    collection,
    invoices,
    payment_intents,
    pending_setups,
    subscription_discounts,
    subscription_invoices,
    test_clocks,
    trials,
)
from .fields import in_range, new_metadata, non_negative, where
from .invoice_body import Draft
from .item_prices import price_of
from .money import currency_code
from .periods import period_end
from .subscription_body import Start, subscription_body
from .subscription_terms import collection_terms, own_method
from .subscription_updates import update as update
from .work import Obj, Work

KIND = "subscription"
_CREATE = {
    "customer", "items", "metadata", "default_payment_method", "payment_behavior", "payment_settings",
    "trial_period_days", "trial_end", "trial_settings", "description", "off_session", "billing_mode",
    "automatic_tax", "cancel_at_period_end", "cancel_at", "collection_method", "currency", "proration_behavior",
    "billing_cycle_anchor", "billing_cycle_anchor_config", "days_until_due", "default_tax_rates", "discounts",
    "add_invoice_items",
}  # fmt: skip
INCOMPLETE_SECONDS = 23 * 3600


def start(work: Work, given: Start, *, intent_id: str | None = None) -> tuple[Obj, Obj | None]:
    """A new subscription with its first invoice; what is due is not collected yet.

    A trial starts `trialing`; a $0 start, and one that is paid by sent invoices, `active`; otherwise it is
    `incomplete` until the invoice is paid, for at most 23 hours. The invoice is finalized, $0 is paid; one that
    is to be sent waits for its hour. Items that are all metered have nothing to bill yet: no invoice is made.
    Emits customer.subscription.created and the events of the invoice and of a pending setup intent.
    """
    clock_id = test_clocks.admit_subscription(work, work.edit("customer", given.customer))
    subscription = work.add(KIND, subscription_body(work, given, clock_id))
    _set_currency(work, subscription)
    subscription_discounts.begin(work, subscription, given)
    added_items.put(work, subscription, given.added)
    # The event already names the invoice that is made next, as Stripe's does.
    draft = subscription_invoices.latest(subscription, _first_draft(work, subscription, given))
    sent = given.collection_method == "send_invoice"
    invoice = None if draft is None else invoices.prepare(work, draft)
    if subscription["status"] == "incomplete" and (sent or invoice is None or invoice["amount_due"] == 0):
        subscription["status"] = "active"
    if given.sets_up and (invoice is None or invoice["amount_due"] == 0):
        pending_setups.begin(work, subscription)
    work.emit("customer.subscription.created", subscription)
    if invoice is not None:
        work.emit("invoice.created", invoice)
        if not sent:
            _finalize(work, invoice, intent_id)
    billing_cycles.schedule(work, subscription)
    trials.announce(work, subscription)
    if subscription["status"] == "incomplete":
        agenda.put(work, "subscription.expire", subscription["id"], work.now + INCOMPLETE_SECONDS)
    return subscription, invoice


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/subscriptions, by `payment_behavior`: allow_incomplete (default), default_incomplete,
    error_if_incomplete. InvalidRequest when money is due and no payment method can pay it.
    """
    modelled(params, _CREATE, "subscriptions")
    given = _start_from(work, params)
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        raise InvalidRequest("`pending_if_incomplete` is for updates only.", param="payment_behavior")
    subscription, invoice = start(work, given)
    if params.get("cancel_at_period_end") or "cancel_at" in params:
        cancellation.plan(work, subscription, params)
    if invoice is None or invoice["amount_due"] == 0 or invoice["status"] == "draft":
        return subscription
    if behavior == "default_incomplete":
        return subscription
    intent = collection.collect(work, invoice["id"], collection.default_method(work, invoice))
    if intent["status"] not in ("succeeded", "processing") and behavior == "error_if_incomplete":
        refusal = payment_intents.refusal_of(work, intent)
        refusal.keeps_changes = False
        raise refusal
    return subscription


def retrieve(work: Work, _params: Obj, subscription_id: str) -> Obj:
    """GET /v1/subscriptions/{id}."""
    return work.read(KIND, subscription_id)


def delete_customer(work: Work, _params: Obj, customer_id: str) -> Obj:
    """DELETE /v1/customers/{id}: ends its subscriptions at once and leaves a stub."""
    customer = work.edit("customer", customer_id)
    for subscription in list(work.all(KIND)):
        if subscription["customer"] == customer_id and subscription["ended_at"] is None:
            cancellation.cancel(work, {}, subscription["id"])
    invoices.stop_collecting_of(work, customer_id)
    work.emit("customer.deleted", customer)
    return work.add("customer", {"id": customer_id, "object": "customer", "deleted": True})


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/subscriptions: without `status` all that have not ended; `all`, `ended` or one status.

    Those of test clocks are listed only when `test_clock` or `customer` asks for them.
    """
    status = params.get("status")
    hidden = {} if "customer" in params else {"test_clock": None}
    for subscription in where(work.all(KIND), {**hidden, **params}, "customer", "collection_method", "test_clock"):
        if _has_status(subscription, status) and _has_items(subscription, params):
            yield subscription


def _first_draft(work: Work, subscription: Obj, given: Start) -> Draft:
    """What the first invoice bills: the items' first periods, and what is billed once."""
    draft = subscription_invoices.of_items(
        work,
        subscription,
        subscription["items"]["data"],
        "subscription_create",
        invoice_id=work.new_id("in"),
        at_once=given.collection_method != "send_invoice",
        prorates=given.prorates,
        takes_pending=given.takes_pending,
    )
    subscription_invoices.take_pending(work, draft, [work.read("invoiceitem", item_id) for item_id in given.once])
    return draft


def _finalize(work: Work, invoice: Obj, intent_id: str | None) -> None:
    invoices.finalize(work, invoice["id"], intent_id)
    if invoice["amount_due"] == 0:
        collection.settle(work, invoice["id"])


def _priced_items(work: Work, items: list[Obj], param: str) -> list[tuple[Obj, int, Obj]]:
    """The items to subscribe to: recurring, active prices of one currency, with their quantities."""
    result: list[tuple[Obj, int, Obj]] = []
    for index, item in enumerate(items):
        here = f"{param}[{index}]"
        modelled(item, {"price", "plan", "price_data", "quantity", "metadata", "discounts", "tax_rates"}, param)
        price = price_of(work, item, here)
        if "quantity" in item and price["recurring"]["usage_type"] == "metered":
            raise InvalidRequest("`quantity` cannot be given for metered prices.", param=f"{here}[quantity]")
        quantity = non_negative(item.get("quantity", 1), f"{here}[quantity]")
        result.append((price, quantity, new_metadata(item.get("metadata"))))
    if len({price["currency"] for price, _, _ in result}) > 1:
        raise InvalidRequest("All prices on a subscription must have the same currency.", param=param)
    return result


def _start_from(work: Work, params: Obj) -> Start:
    if "customer" not in params:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = work.edit("customer", params["customer"], param="customer")
    if not params.get("items"):
        raise InvalidRequest("Missing required param: items.", code="parameter_missing", param="items")
    items = _priced_items(work, params["items"], "items")
    given = Start(
        customer=customer["id"],
        items=items,
        metadata=new_metadata(params.get("metadata")),
        trial_end=trials.end_after(work, params.get("trial_period_days"), params.get("trial_end")),
        default_payment_method=own_method(work, customer["id"], params.get("default_payment_method")),
        description=params.get("description"),
        automatic_tax=params.get("automatic_tax", {}).get("enabled", False),
        trial_settings=params.get("trial_settings"),
        payment_settings=params.get("payment_settings"),
        billing_mode=params.get("billing_mode"),
        billing_cycle_anchor=params.get("billing_cycle_anchor"),
        billing_cycle_anchor_config=params.get("billing_cycle_anchor_config"),
        currency=_currency_of(params, customer, [price for price, _, _ in items]),
        prorates=params.get("proration_behavior") != "none",
        takes_pending=True,
        sets_up=True,
        added=params.get("add_invoice_items", []),
        **collection_terms(params),
        **subscription_discounts.given_with(work, params),
    )
    _check_anchor(work, given)
    return given


def _currency_of(params: Obj, customer: Obj, prices: list[Obj]) -> str | None:
    """The currency asked for, or the customer's, when every price offers it; None: the prices' own."""
    wanted = currency_code(params["currency"]) if "currency" in params else customer["currency"]
    if wanted is None:
        return None
    if all(wanted == price["currency"] or wanted in price.get("_", {}).get("currency_options", {}) for price in prices):
        return wanted
    if "currency" in params:
        raise InvalidRequest(f"The prices are not available in the currency {wanted}.", param="currency")
    return None


def _check_anchor(work: Work, given: Start) -> None:
    """An anchor lies ahead, after the trial and before the end of a natural period of the longest item."""
    anchor, config = given.billing_cycle_anchor, given.billing_cycle_anchor_config
    intervals = {price["recurring"]["interval"] for price, _, _ in given.items}
    if config is not None:
        if anchor is not None:
            raise InvalidRequest(
                "You can only pass one of billing_cycle_anchor and billing_cycle_anchor_config.",
                param="billing_cycle_anchor_config",
            )
        if intervals & {"day", "week"}:
            raise InvalidRequest(
                "`billing_cycle_anchor_config` is for monthly and yearly prices.", param="billing_cycle_anchor_config"
            )
        _check_config(config)
    if anchor is None:
        return
    begin = given.trial_end or work.now
    latest = max(period_end(begin, price["recurring"]) for price, _, _ in given.items)
    if anchor <= work.now or anchor < begin:
        raise InvalidRequest("`billing_cycle_anchor` must be in the future.", param="billing_cycle_anchor")
    if anchor > latest:
        raise InvalidRequest(
            "`billing_cycle_anchor` cannot be later than the next natural billing date.", param="billing_cycle_anchor"
        )


def _check_config(config: Obj) -> None:
    for name, low, high in (
        ("day_of_month", 1, 31), ("month", 1, 12), ("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59)
    ):  # fmt: skip
        if config.get(name) is not None and not low <= config[name] <= high:
            raise InvalidRequest(f"{name} is {low} to {high}.", param=f"billing_cycle_anchor_config[{name}]")


def _set_currency(work: Work, subscription: Obj) -> None:
    """A customer's currency is fixed by its first subscription; a second currency is refused."""
    customer = work.edit("customer", subscription["customer"])
    if customer["currency"] not in (None, subscription["currency"]):
        raise InvalidRequest(
            "You cannot combine currencies on a single customer. This customer has an active subscription, "
            f"discount, or invoice items with currency {customer['currency']}.",
        )
    customer["currency"] = subscription["currency"]


def _has_status(subscription: Obj, wanted: str | None) -> bool:
    if wanted == "all":
        return True
    ended = subscription["status"] in ("canceled", "incomplete_expired")
    if wanted == "ended":
        return ended
    return not ended if wanted is None else bool(subscription["status"] == wanted)


def _has_items(subscription: Obj, params: Obj) -> bool:
    items = subscription["items"]["data"]
    price = params.get("price") or params.get("plan")
    if price is not None and all(item["price"]["id"] != price for item in items):
        return False
    return all(
        any(in_range(item[name], params.get(name)) for item in items)
        for name in ("current_period_start", "current_period_end")
    )
