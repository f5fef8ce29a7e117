"""What is sent with "Go on" after a pause."""

from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from blueprints.forms.base import PortalForm
from blueprints.forms.payments import LARGEST


class ResumeForm(PortalForm):
    """``amount_minor``: what the button showed, in minor units; another amount is not charged."""

    amount_minor = IntegerField(validators=[InputRequired(), NumberRange(0, LARGEST)])
