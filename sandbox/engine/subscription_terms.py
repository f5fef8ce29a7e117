"""What a request says about how a subscription is paid, checked; for new ones and for updates."""

from ..errors import InvalidRequest
from .fields import non_negative
from .work import Obj, Work


def collection_terms(params: Obj, former: Obj | None = None) -> Obj:
    """`collection_method` and `days_until_due`, which sent invoices need and others cannot have."""
    former = former or {"collection_method": "charge_automatically", "days_until_due": None}
    if "days_until_due" in params:
        non_negative(params["days_until_due"], "days_until_due")
    method = params.get("collection_method", former["collection_method"])
    days = params.get("days_until_due", former["days_until_due"] if method == "send_invoice" else None)
    if method == "send_invoice" and days is None:
        raise InvalidRequest(
            "You must pass `days_until_due` when `collection_method` is `send_invoice`.", param="days_until_due"
        )
    if method != "send_invoice" and days is not None:
        raise InvalidRequest(
            "`days_until_due` can only be set when `collection_method` is `send_invoice`.", param="days_until_due"
        )
    return {"collection_method": method, "days_until_due": days}


def own_method(work: Work, customer_id: str, method_id: str | None) -> str | None:
    """The payment method that pays by default; InvalidRequest unless it is attached to the customer."""
    if not method_id:
        return None
    method = work.read("payment_method", method_id, param="default_payment_method")
    if method["customer"] != customer_id:
        raise InvalidRequest(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must "
            "be attached to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )
    return method_id
