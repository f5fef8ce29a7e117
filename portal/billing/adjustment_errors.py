"""Why an adjustment cannot be made."""

from portal.errors import Conflict, Forbidden, Invalid


class ReasonMissing(Invalid):
    code = "reason_missing"
    message = "Please say why, in 3 to 1,000 characters."


class NothingLeft(Conflict):
    code = "nothing_left"
    message = "There is nothing left that could be given back."
    remedy = "Nothing was changed. The page shows what was given back already, and what is on its way."


class TooMuch(Conflict):
    """More than is left, also by what others asked for a moment ago."""

    code = "too_much"
    message = "At most %(left)s is left."
    remedy = "Nothing was changed. Somebody else may have given back a part in the meantime."


class DisputedPayment(Conflict):
    code = "payment_disputed"
    message = "The payer has asked the bank to take this payment back."
    remedy = "It cannot be refunded as well, or the money would go back twice. Answer the dispute at Stripe."


class NotOpen(Conflict):
    code = "invoice_not_open"
    message = "The invoice is not in a state that allows this."
    remedy = "Nothing was changed. Reload the page to see how things stand now."


class AlreadyBeingSettled(Conflict):
    code = "already_being_settled"
    message = "The invoice is just being paid or settled."
    remedy = "Nothing was changed. Wait until that has an outcome."


class OwnRequest(Forbidden):
    """Four eyes: who asks does not decide."""

    code = "own_request"
    message = "Somebody else has to approve what you asked for."
    remedy = "You can withdraw it."


class NotYourDecision(Conflict):
    code = "already_decided"
    message = "This was decided already."
    remedy = "Reload the page to see how things stand now."


class SentFromAnOldPage(Conflict):
    code = "old_page"
    message = "This page is older than what was done from it."
    remedy = "Nothing was changed. Reload the page and try again."
