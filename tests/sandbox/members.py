"""A customer with a subscription, in a life of their own, and everything that they can be sold or told."""

from itertools import pairwise
from typing import Any

from .lives import Life

INTERVALS = [("month", 1), ("month", 1), ("week", 2), ("year", 1)]
AMOUNTS = [2900, 4999, 1201, 36000]
COUPONS: list[dict[str, Any]] = [
    {"percent_off": 33, "duration": "forever"},
    {"amount_off": 700, "currency": "usd", "duration": "once"},
    {"percent_off": 50, "duration": "repeating", "duration_in_months": 2},
]
METHODS = {"good": "pm_card_visa", "bad": "pm_card_chargeCustomerFail"}
Span = tuple[int, int]


class Member:
    """`terms`: start, method, ending, price, quantity, metered, tax (None, or whether it is inside), coupon, trial."""

    def __init__(self, terms: dict[str, Any]) -> None:
        self.life = life = Life(terms["start"])
        life.control("settings", after_final_failure=terms["ending"])
        self.id = life.customer(METHODS[terms["method"]])
        self.prices = [life.price(amount, *every) for amount, every in zip(AMOUNTS, INTERVALS, strict=True)]
        self.coupons = [
            life.post("/v1/coupons", id=f"coupon{number}", **each)["id"] for number, each in enumerate(COUPONS)
        ]
        self._reported = 0
        items: list[Any] = [{"price": self.prices[terms["price"]], "quantity": terms["quantity"]}]
        if terms["metered"]:
            items.append({"price": self._metered_price()})
        more: Any = {}
        if terms["tax"] is not None:
            rate = life.post("/v1/tax_rates", display_name="VAT", percentage="19", inclusive=terms["tax"])
            more["default_tax_rates"] = [rate["id"]]
        if terms["coupon"] is not None:
            more["discounts"] = [{"coupon": self.coupons[terms["coupon"]]}]
        if terms["trial"]:
            more["trial_period_days"] = terms["trial"]
        made = life.post(
            "/v1/subscriptions", customer=self.id, items=items, payment_behavior="default_incomplete", **more
        )
        self.path = f"/v1/subscriptions/{made['id']}"
        if made["latest_invoice"] is not None:
            life.call("POST", f"/v1/invoices/{made['latest_invoice']}/pay", expect=0)

    def _metered_price(self) -> str:
        how: Any = {"formula": "sum"}
        meter = self.life.post("/v1/billing/meters", display_name="Use", event_name="use", default_aggregation=how)
        recurring = {"interval": "month", "usage_type": "metered", "meter": meter["id"]}
        product = self.life.post("/v1/products", name="Usage")["id"]
        made = self.life.post("/v1/prices", product=product, currency="usd", unit_amount=7, recurring=recurring)
        return str(made["id"])

    @property
    def subscription(self) -> Any:
        return self.life.get(self.path)

    def items(self, *, licensed: bool = False) -> list[Any]:
        """The subscription's items; `licensed` leaves out what is metered."""
        every = self.subscription["items"]["data"]
        return [item for item in every if "quantity" in item] if licensed else list(every)

    def change(self, **params: Any) -> Any:
        """The subscription, or the refusal."""
        return self.life.call("POST", self.path, expect=0, **params)

    def post(self, path: str, **params: Any) -> Any:
        """The object, or the refusal."""
        return self.life.call("POST", path, expect=0, **params)

    def use(self, value: int, seconds_ago: int) -> Any:
        self._reported += 1
        return self.post(
            "/v1/billing/meter_events",
            event_name="use",
            identifier=f"use-{self._reported}",
            timestamp=self.life.now - seconds_ago,
            payload={"stripe_customer_id": self.id, "value": value},
        )

    def take_card(self, kind: str) -> Any:
        """The `good` or the `bad` card becomes the default."""
        attached = self.life.post(f"/v1/payment_methods/{METHODS[kind]}/attach", customer=self.id)["id"]
        return self.life.post(f"/v1/customers/{self.id}", invoice_settings={"default_payment_method": attached})

    def invoices(self, status: str | None = None) -> list[Any]:
        """All invoices, oldest first."""
        every = self.life.store.objects.get("invoice", {}).values()
        return [invoice for invoice in every if status in (None, invoice["status"])]

    def live_to(self, moment: int, stops: list[int] | None = None) -> None:
        """Moves the clock to that second, by way of these seconds."""
        for each in sorted({*(stops or []), moment}):
            if self.life.now < each <= moment:
                self.life.leap(each)

    def happened(self, kind: str) -> bool:
        return any(event["type"] == kind for event in self.life.events())


def charged(member: Member) -> dict[str, list[tuple[int, Span, bool, bool]]]:
    """Per subscription item what billed its time: +1 or, for a credit, -1; the time; whether it cost something;
    whether its invoice is void.
    """
    found: dict[str, list[tuple[int, Span, bool, bool]]] = {}
    void = {invoice["id"] for invoice in member.invoices("void")}
    for invoice in member.invoices():
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"]
            if details is not None and not details["proration"]:
                entry = (1, _span(line), line["amount"] > 0, invoice["id"] in void)
                found.setdefault(details["subscription_item"], []).append(entry)
    for item in member.life.store.objects.get("invoiceitem", {}).values():
        if item["proration"]:
            credit = item["proration_details"]["credited_items"] is not None
            entry = (-1 if credit else 1, _span(item), credit or item["_"]["gross"] > 0, item["invoice"] in void)
            found.setdefault(item["parent"]["subscription_details"]["subscription_item"], []).append(entry)
    return found


def billed_twice(member: Member) -> list[Span]:
    """Stretches of time for which an item costs more than once, void invoices left out."""
    return [
        stretch
        for entries in charged(member).values()
        for stretch, count in _counts([(sign, span) for sign, span, costs, void in entries if costs and not void])
        if count > 1
    ]


def skipped(member: Member) -> list[Span]:
    """Stretches up to the end of an item's current period, or of the subscription, that nothing billed, not even at
    no cost or in vain. A trial that is made longer has no further line.
    """
    found = []
    entries = charged(member)
    trials = [(1, span) for span in _trials(member)]
    body = member.subscription
    ends = [end for end in (body["ended_at"], body["cancel_at"]) if end is not None]
    for item in member.items(licensed=True):
        own = [(sign, span) for sign, span, _, void in entries.get(item["id"], []) if sign > 0 or not void]
        whole = (min((span[0] for _, span in own), default=item["created"]), min([item["current_period_end"], *ends]))
        stretches = _counts([*own, *trials, (0, whole)])
        found += [stretch for stretch, count in stretches if count < 1 and whole[0] <= stretch[0] < whole[1]]
    return found


def _trials(member: Member) -> list[Span]:
    """Each trial as it was in the end."""
    bodies = [event["data"]["object"] for event in member.life.events() if "subscription" in event["type"]]
    ends = {body["trial_start"]: body["trial_end"] for body in bodies if body.get("status") == "trialing"}
    return list(ends.items())


def _counts(entries: list[tuple[int, Span]]) -> list[tuple[Span, int]]:
    """Between all beginnings and ends: how often that stretch of time is there."""
    edges = sorted({edge for _, span in entries for edge in span})
    return [
        ((start, end), sum(sign for sign, span in entries if span[0] <= start and end <= span[1]))
        for start, end in pairwise(edges)
    ]


def _span(body: Any) -> Span:
    return body["period"]["start"], body["period"]["end"]
