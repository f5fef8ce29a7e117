"""The one discount of a Checkout session: given by the shop, or a promotion code that the payer enters.

Nothing is redeemed before the session is paid; until then the discount is a body that only the session knows.
"""

from ..errors import InvalidRequest, Refusal
from . import checkout_totals, discounts, promotion_codes
from .money import smallest_charge
from .work import Obj, Work, copied


class _NotApplicable(InvalidRequest):
    """The discount has nothing to do with what is bought, or would leave too little to pay."""


def given(work: Work, session: Obj, params: Obj) -> None:
    """Takes the request's `discounts` over into a new session, whose amounts are known without it.

    InvalidRequest: more than one, or one that cannot be redeemed now for this purchase.
    """
    entries = params.get("discounts") or []
    if not entries:
        return
    if "allow_promotion_codes" in params:
        raise InvalidRequest(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.", param="discounts"
        )
    if len(entries) > 1:
        raise InvalidRequest("You can only apply one discount to a Checkout Session.", param="discounts")
    if len(entries[0]) != 1:
        raise InvalidRequest("Each discount has exactly one of `coupon` and `promotion_code`.", param="discounts[0]")
    _apply(work, session, entries[0])


def apply_code(work: Work, session: Obj, code: str) -> None:
    """The payer enters a promotion code in the open session.

    InvalidRequest with one of the codes promotion_code_unknown, _expired, _minimum, _not_eligible and
    _not_applicable, for which the page has its sentences.
    """
    if not session["allow_promotion_codes"]:
        raise InvalidRequest("This Checkout Session takes no promotion codes.", param="code")
    found = promotion_codes.by_code(work, code.strip(), session["customer"])
    if found is None:
        raise InvalidRequest("This code is invalid.", code=_why_unknown(work, code), param="code")
    try:
        _apply(work, session, {"promotion_code": found["id"]})
    except InvalidRequest as error:
        raise InvalidRequest(error.message, code=_why_refused(session, found, error), param="code") from error


def remove_code(work: Work, session: Obj) -> None:
    """The payer takes his code back; the shop's own discount stays."""
    if session["allow_promotion_codes"]:
        _set(work, session, None)


def recheck(work: Work, session: Obj) -> None:
    """After the quantities changed: a code whose minimum is no longer reached goes."""
    chosen = session["_"]["discount"]
    if chosen is None or not session["allow_promotion_codes"]:
        return
    try:
        _check(work, session, chosen["entry"])
    except Refusal:
        _set(work, session, None)


def entries_of(session: Obj) -> list[Obj]:
    """What `discounts` of the subscription, or of the payment, says: at most one entry."""
    chosen = session["_"]["discount"]
    return [] if chosen is None else [copied(chosen["entry"])]


def redeemed(work: Work, session: Obj, discount: Obj) -> None:
    """The session was paid: it shows the discount that was redeemed for it."""
    work.edit(discounts.KIND, discount["id"])["checkout_session"] = session["id"]
    session["_"]["discount"]["body"] = _shown(work.read(discounts.KIND, discount["id"]))
    for item in session["_"]["items"]:
        for each in item["_"]["discounts"]:
            each["discount"] = session["_"]["discount"]["body"]
    for each in session["_"]["breakdown"]["discounts"]:
        each["discount"] = session["_"]["discount"]["body"]


def _apply(work: Work, session: Obj, entry: Obj) -> None:
    coupon, code = _check(work, session, entry)
    former = session["_"]["discount"]
    body = {
        "id": work.new_id("di"),
        "object": discounts.KIND,
        "checkout_session": session["id"],
        "customer": session["customer"],
        "customer_account": None,
        "end": None,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None if code is None else code["id"],
        "source": {"coupon": coupon["id"], "type": "coupon"},
        "start": work.now,
        "subscription": None,
        "subscription_item": None,
    }
    _set(work, session, {"entry": copied(entry), "coupon": copied(coupon), "body": body})
    if session["mode"] == "payment" and 0 < session["amount_total"] < smallest_charge(session["currency"]):
        _set(work, session, former)
        raise _NotApplicable(
            "The discount leaves less to pay than can be charged.", code="amount_too_small", param="discounts[0]"
        )


def _set(work: Work, session: Obj, chosen: Obj | None) -> None:
    session["_"]["discount"] = chosen
    entry = {} if chosen is None else chosen["entry"]
    session["discounts"] = (
        [] if chosen is None else [{"coupon": entry.get("coupon"), "promotion_code": entry.get("promotion_code")}]
    )
    checkout_totals.refresh(work, session)


def _check(work: Work, session: Obj, entry: Obj) -> tuple[Obj, Obj | None]:
    coupon, code = discounts.check(
        work, entry, session["customer"], currency=session["currency"], amount=session["amount_subtotal"]
    )
    products = coupon["_"]["applies_to"]
    if products is not None and not any(item["price"]["product"] in products for item in session["_"]["items"]):
        raise _NotApplicable(
            f"The coupon `{coupon['id']}` does not apply to anything in this Checkout Session.", param="discounts[0]"
        )
    return coupon, code


def _why_unknown(work: Work, code: str) -> str:
    """There is none, or not for this customer, or there was one."""
    known = any(each["code"].lower() == code.strip().lower() for each in work.all(promotion_codes.KIND))
    return "promotion_code_expired" if known else "promotion_code_unknown"


def _why_refused(session: Obj, code: Obj, error: InvalidRequest) -> str:
    restrictions = code["restrictions"]
    if isinstance(error, _NotApplicable):
        return "promotion_code_not_applicable"
    if error.code == "coupon_expired":
        return "promotion_code_expired"
    if restrictions["first_time_transaction"] and restrictions["minimum_amount"] is None:
        return "promotion_code_not_eligible"
    currency = session["currency"]
    if currency == restrictions["minimum_amount_currency"] or currency in code["_"]["currency_options"]:
        short = session["amount_subtotal"] < (promotion_codes.minimum_in(code, currency) or 0)
        return "promotion_code_minimum" if short else "promotion_code_not_eligible"
    return "promotion_code_not_applicable"


def _shown(discount: Obj) -> Obj:
    return {key: copied(value) for key, value in discount.items() if key != "_"}
