"""Mandates: what a payer allowed to be debited from a bank account, once or from now on."""

from typing import Any

from .fields import cleared
from .work import Obj, Work

KIND = "mandate"


def create(work: Work, method: Obj, acceptance: Any = None, *, once: tuple[int, str] | None = None) -> Obj:
    """A new mandate for a payment method: for all payments to come, or `once` for (amount, currency).

    `acceptance` is `mandate_data[customer_acceptance]`; without it, one that was given offline is assumed.
    """
    mandate_id = work.new_id("mandate")
    single = None if once is None else {"amount": once[0], "currency": once[1]}
    return work.add(
        KIND,
        {
            "id": mandate_id,
            "object": KIND,
            "customer_acceptance": _acceptance(work, acceptance or {"type": "offline"}),
            "livemode": False,
            "payment_method": method["id"],
            "payment_method_details": _details(work, method, mandate_id),
            "status": "active",
            "type": "multi_use" if single is None else "single_use",
            **({"multi_use": {}} if single is None else {"single_use": single}),
        },
    )


def of_method(work: Work, payment_method_id: str) -> Obj | None:
    """The mandate that allows further debits, or None."""
    return next(
        (
            found
            for found in work.all(KIND)
            if found["payment_method"] == payment_method_id and found["type"] == "multi_use"
            if found["status"] == "active"
        ),
        None,
    )


def end_of_method(work: Work, payment_method_id: str) -> None:
    """A detached method is not debited any more; emits mandate.updated."""
    found = of_method(work, payment_method_id)
    if found is not None:
        mandate = work.edit(KIND, found["id"])
        mandate["status"] = "inactive"
        work.emit("mandate.updated", mandate, {"status": "active"})


def retrieve(work: Work, _params: Obj, mandate_id: str) -> Obj:
    """GET /v1/mandates/{id}."""
    return work.read(KIND, mandate_id)


def _acceptance(work: Work, given: Obj) -> Obj:
    kind = given["type"]
    body: Obj = {"accepted_at": given.get("accepted_at", work.now), "type": kind}
    if kind == "online":
        online = given.get("online", {})
        body["online"] = {name: cleared(online.get(name)) for name in ("ip_address", "user_agent")}
    else:
        body["offline"] = {}
    return body


def _details(work: Work, method: Obj, mandate_id: str) -> Obj:
    details: Obj = {}
    if method["type"] == "sepa_debit":
        reference = mandate_id[-16:].upper()
        details = {"reference": reference, "url": f"{work.public_url}/mandate/{mandate_id}"}
    elif method["type"] == "paypal":
        details = {"billing_agreement_id": f"B-{mandate_id[-16:].upper()}", "payer_id": method["paypal"]["payer_id"]}
    return {"type": method["type"], method["type"]: details}
