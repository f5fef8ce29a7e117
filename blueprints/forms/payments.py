"""What is sent with "Pay now"."""

from uuid import UUID

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, IntegerField, StringField, validators
from wtforms.validators import DataRequired, NumberRange

from blueprints.forms.base import PortalForm

LARGEST = 10**15  # more than any currency has use for, less than the database's largest number


class PayForm(PortalForm):
    """``amount_minor``: what the page showed, in minor units; another amount is not charged."""

    method_id = StringField(
        validators=[DataRequired(_("Choose a payment method.")), validators.UUID(_("Choose a payment method."))]
    )
    amount_minor = IntegerField(validators=[DataRequired(_("Reload the page and try again.")), NumberRange(1, LARGEST)])
    makes_default = BooleanField()

    def method(self) -> UUID:
        """The chosen method's id."""
        return UUID(self.method_id.data)

    def first_error(self) -> str:
        """One sentence about what is wrong."""
        return str(next(error for field in self for error in field.errors))
