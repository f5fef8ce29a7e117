"""Disputes: payers who want their money back through their bank.

Test cards and accounts are disputed as soon as they have paid. Evidence decides: `winning_evidence`,
`losing_evidence` or, of inquiries, `escalate_inquiry_evidence` as `uncategorized_text`, some seconds later
(docs.stripe.com/testing, evidence); any other text stays under review. Without an answer a dispute is lost when
its time is over.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest, NotModelled, modelled
from . import agenda, balance_transactions, charges, payment_methods
from .dispute_bodies import TEXTS, dispute_body, due_by
from .fields import cleared, merged_metadata, where
from .money import step
from .work import Obj, Work, copied, shown

KIND = "dispute"
VERDICT, DUE = "dispute.verdict", "dispute.due"
# What Stripe takes for a dispute, in minor units of most currencies, and how long a bank thinks (assumed).
_FEE, _THINKS = 1500, 5
_CLOSED = ("won", "lost", "warning_closed", "prevented")
_WAITING = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}


def after_payment(work: Work, charge_id: str) -> None:
    """A payment has arrived: one by a disputing test card or account is disputed at once.

    Emits charge.dispute.created and, when its money is taken, charge.dispute.funds_withdrawn.
    """
    charge = work.edit(charges.KIND, charge_id)
    found = payment_methods.behind(work, charge["payment_method"])
    if found is None or found.dispute is None or charge["amount_captured"] == 0:
        return
    charge["disputed"] = True
    dispute = work.add(KIND, dispute_body(work, charge, found.dispute))
    takes = not dispute["is_charge_refundable"]
    if takes:
        _withdraw(work, dispute)
    if dispute["status"] == "needs_response":
        agenda.put(work, DUE, dispute["id"], dispute["evidence_details"]["due_by"])
    work.emit("charge.dispute.created", dispute)
    if takes:
        work.emit("charge.dispute.funds_withdrawn", dispute)
    if dispute["status"] == "lost":
        work.emit("charge.dispute.closed", dispute)


def update(work: Work, params: Obj, dispute_id: str) -> Obj:
    """POST /v1/disputes/{id}: evidence, sent to the bank unless `submit` is false; metadata.

    InvalidRequest when it is closed or has been answered already. Emits charge.dispute.updated.
    """
    modelled(params, {"evidence", "intended_submission_method", "metadata", "submit"}, "disputes")
    dispute = work.edit(KIND, dispute_id)
    _refuse_closed(dispute)
    given = params.get("evidence", {})
    if (given or params.get("submit")) and dispute["status"] not in _WAITING:
        raise InvalidRequest("The evidence of this dispute has been submitted already.", param="evidence")
    before = copied(dispute)
    for name, value in given.items():
        if name not in TEXTS:
            raise NotModelled(f"{name} as evidence", param=f"evidence[{name}]")
        dispute["evidence"][name] = cleared(value)
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"][name] for name in TEXTS)
    if "intended_submission_method" in params:
        dispute["intended_submission_method"] = params["intended_submission_method"]
    dispute["metadata"] = merged_metadata(dispute["metadata"], params.get("metadata"))
    if params.get("submit", bool(given)) and details["has_evidence"]:
        _submit(work, dispute)
    work.emit_updated("charge.dispute.updated", before, dispute)
    return dispute


def close(work: Work, _params: Obj, dispute_id: str) -> Obj:
    """POST /v1/disputes/{id}/close: the shop gives in. Emits charge.dispute.closed."""
    dispute = work.edit(KIND, dispute_id)
    _refuse_closed(dispute)
    _conclude(work, dispute, "lost")
    return dispute


def verdict_due(work: Work, dispute_id: str) -> None:
    """The agenda's: the bank has read the evidence."""
    dispute = work.edit(KIND, dispute_id)
    if dispute["status"] in _CLOSED:
        return
    text = dispute["evidence"]["uncategorized_text"]
    if text == "winning_evidence":
        _conclude(work, dispute, "won")
    elif text == "losing_evidence":
        _conclude(work, dispute, "lost")
    elif dispute["status"] == "warning_under_review":
        _escalate(work, dispute)


def expire_due(work: Work, dispute_id: str) -> None:
    """The agenda's: the time to answer is over."""
    dispute = work.edit(KIND, dispute_id)
    if dispute["status"] == "needs_response":
        _conclude(work, dispute, "lost")


def retrieve(work: Work, _params: Obj, dispute_id: str) -> Obj:
    """GET /v1/disputes/{id}."""
    return work.read(KIND, dispute_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/disputes."""
    return where(work.all(KIND), params, "charge", "payment_intent")


def _submit(work: Work, dispute: Obj) -> None:
    details = dispute["evidence_details"]
    details.update(
        past_due=work.now > details["due_by"],
        submission_count=details["submission_count"] + 1,
        submission_method="manual",
    )
    dispute["status"] = _WAITING[dispute["status"]]
    agenda.drop(work, DUE, dispute["id"])
    text = dispute["evidence"]["uncategorized_text"]
    inquiry = dispute["status"] == "warning_under_review"
    if text in ("winning_evidence", "losing_evidence") or (inquiry and text == "escalate_inquiry_evidence"):
        agenda.put(work, VERDICT, dispute["id"], work.now + _THINKS)


def _conclude(work: Work, dispute: Obj, result: str) -> None:
    """-> won, lost or, of an inquiry, warning_closed; a won one gives the money and the fee back."""
    before = copied(dispute)
    agenda.drop(work, DUE, dispute["id"])
    inquiry = dispute["status"].startswith("warning")
    dispute["status"] = "warning_closed" if inquiry else result
    if dispute["status"] == "won":
        dispute["is_charge_refundable"] = True
        _record(work, dispute, 1, "dispute_reversal", "Chargeback reversal for")
        work.emit("charge.dispute.funds_reinstated", dispute)
    work.emit_updated("charge.dispute.closed", before, dispute)


def _escalate(work: Work, dispute: Obj) -> None:
    """An inquiry becomes a chargeback that takes the money and wants an answer of its own."""
    before = copied(dispute)
    dispute.update(is_charge_refundable=False, status="needs_response")
    dispute["payment_method_details"]["card"].update(case_type="chargeback", network_reason_code="10.4")
    dispute["evidence_details"]["due_by"] = due_by(work.now)
    agenda.put(work, DUE, dispute["id"], dispute["evidence_details"]["due_by"])
    _withdraw(work, dispute)
    work.emit_updated("charge.dispute.updated", before, dispute)
    work.emit("charge.dispute.funds_withdrawn", dispute)


def _withdraw(work: Work, dispute: Obj) -> None:
    _record(work, dispute, -1, "dispute", "Chargeback withdrawal for")


def _record(work: Work, dispute: Obj, sign: int, category: str, described: str) -> None:
    """The money of a dispute with its fee: taken (sign -1) or given back (1)."""
    currency = dispute["currency"]
    transaction = balance_transactions.record(
        work,
        "adjustment",
        dispute["id"],
        sign * dispute["amount"],
        currency,
        fee=-sign * _FEE * step(currency),
        fee_description="Dispute fee",
        description=f"{described} {dispute['charge']}",
        category=category,
    )
    dispute["balance_transactions"].append(shown(transaction))


def _refuse_closed(dispute: Obj) -> None:
    if dispute["status"] in _CLOSED:
        raise InvalidRequest("This dispute is already closed")
