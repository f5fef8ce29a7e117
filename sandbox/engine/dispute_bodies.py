"""The body of a new dispute: every key that the contract requires."""

from ..cards import Dispute
from .fields import absent
from .work import Obj, Work

DAY = 86400
# What a shop may answer with: texts, and ids of files.
TEXTS = (
    "access_activity_log", "billing_address", "cancellation_policy_disclosure", "cancellation_rebuttal",
    "customer_email_address", "customer_name", "customer_purchase_ip", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "refund_policy_disclosure", "refund_refusal_explanation",
    "service_date", "shipping_address", "shipping_carrier", "shipping_date", "shipping_tracking_number",
    "uncategorized_text",
)  # fmt: skip
_FILES = (
    "cancellation_policy", "customer_communication", "customer_signature", "duplicate_charge_documentation",
    "receipt", "refund_policy", "service_documentation", "shipping_documentation", "uncategorized_file",
)  # fmt: skip
# Kind -> reason, and the code of the card network.
_REASONS: dict[Dispute, tuple[str, str]] = {
    "fraudulent": ("fraudulent", "10.4"),
    "product_not_received": ("product_not_received", "13.1"),
    "inquiry": ("fraudulent", "10"),
    "debit_not_authorized": ("debit_not_authorized", ""),
}


def dispute_body(work: Work, charge: Obj, kind: Dispute) -> Obj:
    """A dispute of the whole charge. An inquiry takes no money yet; a bank debit cannot be defended."""
    inquiry, final = kind == "inquiry", kind == "debit_not_authorized"
    return {
        "id": work.new_id("du"),
        "object": "dispute",
        "amount": charge["amount_captured"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": work.now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**absent(*TEXTS, *_FILES), "enhanced_evidence": {}},
        "evidence_details": _evidence_details(0 if final else due_by(work.now)),
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": _REASONS[kind][0],
        "status": "lost" if final else "warning_needs_response" if inquiry else "needs_response",
        **_method_details(charge, kind),
    }


def due_by(now: int) -> int:
    """The end of the UTC day eight days later (assumed: what a test account shows)."""
    return (now // DAY + 9) * DAY - 1


def _method_details(charge: Obj, kind: Dispute) -> Obj:
    """What the card network says of the dispute; of a bank debit nothing, not even the key."""
    card = charge["payment_method_details"].get("card")
    if card is None:
        return {}
    details = {
        "brand": card["brand"],
        "case_type": "inquiry" if kind == "inquiry" else "chargeback",
        "network": card["network"],
        "network_reason_code": _REASONS[kind][1],
    }
    return {"payment_method_details": {"card": details, "type": "card"}}


def _evidence_details(due: int) -> Obj:
    return {
        "due_by": due,
        "enhanced_eligibility": {},
        "has_evidence": False,
        "past_due": False,
        "submission_count": 0,
        "submission_method": "not_submitted",
    }
