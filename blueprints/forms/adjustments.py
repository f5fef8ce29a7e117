"""What staff ask for when they put money right."""

from flask_babel import lazy_gettext as _
from wtforms import HiddenField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from blueprints.forms.amounts import AmountField
from blueprints.forms.base import PortalForm, is_plain_text
from portal import money_labels
from portal.billing.adjustments import MAX_MEMO, MAX_REASON, MIN_REASON
from portal.ids import uuid7


def _choices(words: dict[str, object], first: object | None = None) -> list[SelectChoice]:
    return [*([SelectChoice("", first)] if first else []), *(SelectChoice(key, text) for key, text in words.items())]


class ReasonForm(PortalForm):
    """Why, for the audit; and what the customer reads. ``attempt``: a form that is sent twice acts once."""

    attempt = HiddenField(default=lambda: str(uuid7()))
    reason = TextAreaField(
        _("Why"),
        [
            InputRequired(_("Say why: it is kept for the audit.")),
            Length(MIN_REASON, MAX_REASON, _("Please say why, in 3 to 1,000 characters.")),
        ],
    )
    memo = StringField(_("Note to the customer"), [Length(max=MAX_MEMO), is_plain_text])


class RefundForm(ReasonForm):
    payment = HiddenField(validators=[InputRequired()])
    amount = AmountField(_("Amount"))
    reason_code = SelectField(_("Reason at Stripe"), choices=_choices(money_labels.REFUND_REASONS, _("None")))


class CreditNoteForm(ReasonForm):
    amount = AmountField(_("Amount with tax"))
    way = SelectField(_("What was paid goes"), choices=_choices(money_labels.WAYS))
    reason_code = SelectField(_("Reason on the credit note"), choices=_choices(money_labels.CREDIT_REASONS, _("None")))
    seen = HiddenField()


class BalanceForm(ReasonForm):
    kind = SelectField(
        _("What"),
        choices=[
            SelectChoice("balance_credit", money_labels.ADJUSTMENT_KINDS["balance_credit"]),
            SelectChoice("balance_debit", money_labels.ADJUSTMENT_KINDS["balance_debit"]),
        ],
    )
    amount = AmountField(_("Amount"))
