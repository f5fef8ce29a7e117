"""The form of leaving."""

from flask_babel import lazy_gettext as _
from wtforms import HiddenField, RadioField, SelectChoice, TextAreaField
from wtforms.validators import Length, Optional

from blueprints.forms.base import PortalForm
from portal.billing.cancellations import MAX_COMMENT

REASONS = (
    ("too_expensive", _("It costs too much")),
    ("missing_features", _("Something that I need is missing")),
    ("switched_service", _("I use something else now")),
    ("unused", _("I do not use it enough")),
    ("too_complex", _("It is too complicated")),
    ("low_quality", _("The quality is not what I expected")),
    ("other", _("Another reason")),
)


class CancelForm(PortalForm):
    """When and why. ``token`` is the quote that the refund was read from."""

    ending = RadioField(choices=[SelectChoice("period_end"), SelectChoice("now")], default="period_end")
    reason = RadioField(choices=[SelectChoice(*reason) for reason in REASONS], validators=[Optional()])
    comment = TextAreaField(
        validators=[Optional(), Length(max=MAX_COMMENT, message=_("Please shorten your comment to 2,000 characters."))]
    )
    token = HiddenField()
