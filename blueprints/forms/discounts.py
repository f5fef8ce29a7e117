"""Using a coupon on the running subscription."""

from flask_babel import lazy_gettext as _
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional

from blueprints.forms.base import PortalForm


class DiscountForm(PortalForm):
    """``saving_minor``: the saving that the person was shown, in minor units; without one, nothing was shown yet."""

    code = StringField(_("Coupon"), [InputRequired(_("Enter the code of your coupon.")), Length(max=500)])
    saving_minor = IntegerField(validators=[Optional()])
