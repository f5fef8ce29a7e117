"""Discounts: coupons that were redeemed for a subscription, an item, an invoice or a session.

A discount copies the terms of its coupon into its compartment `_`, because the coupon may be deleted. It stays
readable after it ended: invoices name it for ever. The figures are discounting.py's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from ..errors import InvalidRequest, ResourceMissing
from . import agenda, coupons, promotion_codes
from .discounting import Discount, ends_at, in_force
from .work import Obj, Work, copied, shown

KIND = "discount"
END = "discount.end"
_MOST = 20


@dataclass(frozen=True, slots=True)
class Owner:
    """What a discount is applied to: ids, under the names that the discount has for them.

    `within`: the subscription of a subscription item.
    """

    customer: str | None
    subscription: str | None = None
    subscription_item: str | None = None
    invoice: str | None = None
    invoice_item: str | None = None
    checkout_session: str | None = None
    within: str | None = None

    @property
    def holder(self) -> str | None:
        """The subscription that bills it again and again, so that durations count and discounts are announced."""
        return self.subscription or self.within


def resolve(
    work: Work,
    given: Any,
    owner: Owner,
    *,
    currency: str,
    amount: int | None = None,
    reusable: Sequence[str] = (),
    param: str = "discounts",
) -> list[str]:
    """The ids of the discounts that a `discounts` parameter asks for, in its order; "" and None: none.

    Each entry has one of `coupon`, `promotion_code` (both redeemed here, now) or `discount` (one of `reusable`:
    those that the object or its ancestors have). `amount`: what is bought, in minor units of `currency`, for the
    minimum of promotion codes; None where nothing is known of it yet, then no minimum is checked.
    Emits customer.discount.created for subscriptions and their items. InvalidRequest: see `check`.
    """
    entries = given or []
    if len(entries) > _MOST:
        raise InvalidRequest(f"You can pass at most {_MOST} discounts.", param=param)
    found: list[str] = []
    for index, entry in enumerate(entries):
        here = f"{param}[{index}]"
        if len(entry) != 1:
            raise InvalidRequest(
                "Each discount has exactly one of `coupon`, `promotion_code` and `discount`.", param=here
            )
        if "discount" not in entry:
            coupon, code = check(work, entry, owner.customer, currency=currency, amount=amount, param=here)
            found.append(_redeemed(work, owner, coupon, code)["id"])
        elif entry["discount"] in reusable:
            found.append(entry["discount"])
        else:
            raise ResourceMissing(KIND, entry["discount"], param=f"{here}[discount]")
    return found


def check(
    work: Work,
    entry: Obj,
    customer: str | None,
    *,
    currency: str,
    amount: int | None = None,
    param: str = "discounts[0]",
) -> tuple[Obj, Obj | None]:
    """The coupon, and the promotion code if one was given, that this customer may redeem now.

    InvalidRequest: coupon_expired, resource_missing, a wrong currency, or a restriction of the promotion code.
    """
    if "promotion_code" in entry:
        here = f"{param}[promotion_code]"
        code = work.read(promotion_codes.KIND, entry["promotion_code"], param=here)
        _check_code(work, code, customer, currency, amount, here)
        coupon = work.read(coupons.KIND, code["promotion"]["coupon"], param=here)
    else:
        here, code = f"{param}[coupon]", None
        coupon = work.read(coupons.KIND, entry["coupon"], param=here)
    if not coupons.is_redeemable(coupon, work.now):
        raise InvalidRequest(f"Coupon expired: {coupon['id']}", code="coupon_expired", param=here)
    if coupon["amount_off"] is not None and coupons.amount_off_in(coupon, currency) is None:
        raise InvalidRequest(
            f"The currency of the coupon `{coupon['id']}` ({coupon['currency']}) must match that of what it is "
            f"applied to ({currency}).",
            param=here,
        )
    return coupon, code


def in_force_at(work: Work, ids: Iterable[str], at: int) -> list[str]:
    """Those of the discounts that count for an invoice of that time (UTC seconds), in their order.

    One that was for one invoice, and was taken by one that is not finalized yet, counts no more.
    """
    bodies = [work.read(KIND, discount_id) for discount_id in ids]
    return [body["id"] for body in bodies if in_force(body["start"], body["end"], at) and body["_"]["taken_by"] is None]


def plain(work: Work, ids: Iterable[str], *, currency: str) -> list[Discount]:
    """The discounts as discounting.py wants them, in their order."""
    found = []
    for discount_id in ids:
        terms = work.read(KIND, discount_id)["_"]["coupon"]
        percent, products = terms["percent_off"], terms["_"]["applies_to"]
        found.append(
            Discount(
                discount_id,
                None if percent is None else Decimal(str(percent)),
                None if percent is not None else coupons.amount_off_in(terms, currency) or 0,
                None if products is None else frozenset(products),
            )
        )
    return found


def claim(work: Work, invoice: Obj) -> None:
    """A new draft of a subscription takes its discounts of duration `once`, so that no other invoice does.

    One that took nothing of it (a trial's invoice) leaves them for the next (assumed).
    """
    for each in invoice["total_discount_amounts"]:
        discount = work.read(KIND, each["discount"])
        once = discount["_"]["coupon"]["duration"] == "once" and discount["_"]["holder"] is not None
        if once and each["amount"] > 0 and not discount["_"]["ended"]:
            work.edit(KIND, discount["id"])["_"]["taken_by"] = invoice["id"]


def consume(work: Work, invoice: Obj) -> None:
    """An invoice is final: the discounts that it claimed end."""
    for each in invoice["total_discount_amounts"]:
        discount = work.read(KIND, each["discount"])
        if discount["_"]["taken_by"] == invoice["id"] and not discount["_"]["ended"]:
            end(work, discount["id"])


def release(work: Work, invoice: Obj) -> None:
    """A draft is deleted: what it claimed may be taken by another invoice."""
    for each in invoice["total_discount_amounts"]:
        if work.read(KIND, each["discount"])["_"]["taken_by"] == invoice["id"]:
            work.edit(KIND, each["discount"])["_"]["taken_by"] = None


def end(work: Work, discount_id: str) -> Obj:
    """Takes a discount off what it is applied to; emits customer.discount.deleted. Returns the deleted stub.

    Also the agenda's entry at the end of a repeating one.
    """
    discount = detach(work, discount_id)
    subscription_id = discount["_"]["holder"]
    if subscription_id is not None and work.find("subscription", subscription_id) is not None:
        subscription = work.edit("subscription", subscription_id)
        before = copied(subscription)
        for holder in (subscription, *subscription["items"]["data"]):
            holder["discounts"] = [each for each in holder["discounts"] if each != discount_id]
        work.emit_updated("customer.subscription.updated", before, subscription)
    return _stub(discount)


def end_due(work: Work, discount_id: str) -> None:
    """The agenda's entry at the end of a repeating discount."""
    end(work, discount_id)


def detach(work: Work, discount_id: str) -> Obj:
    """Ends a discount that its owner lists no more (the caller's affair); emits customer.discount.deleted."""
    discount = work.edit(KIND, discount_id)
    discount["_"]["ended"] = True
    agenda.drop(work, END, discount_id)
    if discount["_"]["holder"] is not None:
        work.emit("customer.discount.deleted", discount)
    return discount


def replaced(work: Work, former: Sequence[str], current: Sequence[str]) -> list[str]:
    """Ends those of `former` that `current` has no more, and returns `current`: for updates of `discounts`."""
    for discount_id in former:
        if discount_id not in current:
            detach(work, discount_id)
    return list(current)


def delete_of_subscription(work: Work, _params: Obj, subscription_id: str) -> Obj:
    """DELETE /v1/subscriptions/{id}/discount: ends all that it has itself (assumed); 404 when it has none."""
    subscription = work.edit("subscription", subscription_id)
    ids = list(subscription["discounts"])
    if not ids:
        raise ResourceMissing("active discount for subscription", subscription_id)
    stubs = [end(work, discount_id) for discount_id in ids]
    return stubs[-1]


def delete_of_customer(work: Work, _params: Obj, customer_id: str) -> Obj:
    """DELETE /v1/customers/{id}/discount: 404, because this API version puts no discounts on customers."""
    work.edit("customer", customer_id)
    raise ResourceMissing("active discount for customer", customer_id)


def _redeemed(work: Work, owner: Owner, coupon: Obj, code: Obj | None) -> Obj:
    coupon = coupons.redeem(work, coupon["id"])
    if code is not None:
        promotion_codes.redeem(work, code["id"])
    lasts = owner.holder is not None
    until = ends_at(coupon["duration"], coupon["duration_in_months"], work.now) if lasts else None
    names = asdict(owner)
    del names["within"]
    discount = work.add(
        KIND,
        {
            "id": work.new_id("di"),
            "object": KIND,
            **names,
            "customer_account": None,
            "end": until,
            "promotion_code": None if code is None else code["id"],
            "source": {"coupon": coupon["id"], "type": "coupon"},
            "start": work.now,
            "_": {"coupon": copied(coupon), "ended": False, "holder": owner.holder, "taken_by": None},
        },
    )
    if until is not None:
        agenda.put(work, END, discount["id"], until)
    if lasts:
        work.emit("customer.discount.created", discount)
    return discount


def _check_code(work: Work, code: Obj, customer: str | None, currency: str, amount: int | None, param: str) -> None:
    expires_at = code["expires_at"]
    if not code["active"] or (expires_at is not None and work.now >= expires_at):
        raise InvalidRequest("This promotion code is expired or inactive.", code="coupon_expired", param=param)
    if code["customer"] not in (None, customer):
        raise InvalidRequest("This promotion code is for another customer.", param=param)
    if code["restrictions"]["first_time_transaction"] and customer is not None and _has_paid(work, customer):
        raise InvalidRequest(
            "This promotion code is for first purchases only, and the customer has paid before.", param=param
        )
    minimum = promotion_codes.minimum_in(code, currency)
    if minimum is not None and amount is not None and amount < minimum:
        raise InvalidRequest("The purchase does not reach the minimum amount of this promotion code.", param=param)


def _has_paid(work: Work, customer: str) -> bool:
    """Successful payments, or invoices paid with something due (assumed: a trial's $0 invoice is none)."""
    return any(
        charge["customer"] == customer and charge["status"] == "succeeded" for charge in work.all("charge")
    ) or any(
        invoice["customer"] == customer and invoice["status"] == "paid" and invoice["total"] > 0
        for invoice in work.all("invoice")
    )


def _stub(discount: Obj) -> Obj:
    stub: Obj = {**shown(discount), "deleted": True}
    del stub["end"]
    return stub
