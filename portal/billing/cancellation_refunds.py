"""Giving back what an end at once stated: credit notes, each of them once, and remembered as soon as it is made."""

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from portal.extensions import db
from portal.findings import report
from portal.gateway.client import gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeRefused
from portal.gateway.inbox import want
from portal.mirror import credit_notes
from portal.mirror.customers import locked
from portal.models import Cancellation

if TYPE_CHECKING:  # importing it takes half a second
    from stripe.params import CreditNoteCreateParams

Part = dict[str, Any]


def give_back(row: Cancellation) -> None:
    """Make the credit notes that the cancellation stated and that are not made yet; commits each of them.

    All are tried out before the first is made. Raises :class:`portal.gateway.errors.StripeRefused` while nothing was
    given back; from the first note on there is no way back, and what Stripe refuses is left to staff
    (``refund_missing``). Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` while an effect is unknown.
    """
    made = {note["invoice"] for note in row.stripe_credit_notes}
    left = [part for part in row.refunds if part["invoice"] not in made]
    has_begun = bool(made) or _has_begun(row, left)
    for part in left:
        try:
            note_id = _note(row, part)
        except StripeRefused as error:
            if not has_begun:
                raise
            _leave_to_staff(row, part, error)
        else:
            has_begun = True
            _remember(row, part, note_id)


def _has_begun(row: Cancellation, parts: list[Part]) -> bool:
    """Try all parts out. Refused may also be what an earlier try has made whose answer was lost."""
    try:
        for part in parts:
            gateway().read(lambda s: s.v1.credit_notes.preview(_params(row, part)))  # noqa: B023
    except StripeRefused:
        if not any(_made_earlier(row, part) for part in parts):
            raise
        return True
    return False


def _note(row: Cancellation, part: Part) -> str:
    """Returns the credit note's id."""
    if key_is_forgotten(row.created_at) and (found := _made_earlier(row, part)) is not None:
        return found
    key = keyed(f"cancellation.refund:{row.id}:{part['invoice']}")
    return gateway().write(lambda s: s.v1.credit_notes.create(_params(row, part), key)).id


def _params(row: Cancellation, part: Part) -> "CreditNoteCreateParams":
    params: CreditNoteCreateParams = {
        "invoice": part["invoice"],
        "amount": part["amount_minor"],
        "reason": "order_change",
        "metadata": {"cancellation_id": str(row.id)},
    }
    if part["way"] == "refund":
        params["refund_amount"] = part["amount_minor"]
    return params


def _made_earlier(row: Cancellation, part: Part) -> str | None:
    """The credit note of a try whose answer was lost."""
    found = credit_notes.fetch(part["invoice"])
    return next((str(note["id"]) for note in found if note["metadata"].get("cancellation_id") == str(row.id)), None)


def _remember(row: Cancellation, part: Part, note_id: str) -> None:
    found = _locked(row)
    if part["invoice"] not in {note["invoice"] for note in found.stripe_credit_notes}:
        found.stripe_credit_notes = [*found.stripe_credit_notes, {**part, "id": note_id}]
    want(part["invoice"], "invoice")
    db.session.commit()


def _leave_to_staff(row: Cancellation, part: Part, error: StripeRefused) -> None:
    refused = str(error.params.get("stripe_code") or error.code)
    report(
        "refund_missing", part["invoice"], cancellation=str(row.id), amount_minor=part["amount_minor"], error=refused
    )
    want(part["invoice"], "invoice")
    db.session.commit()


def _locked(row: Cancellation) -> Cancellation:
    locked()
    wanted = select(Cancellation).where(Cancellation.id == row.id).execution_options(populate_existing=True)
    return db.session.scalars(wanted).one()
