"""Staff make a coupon. What is wrong with its terms is the verb's to say; here only what cannot be read."""

from datetime import UTC, date, datetime
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.validators import Length, Optional

from blueprints.forms.amounts import AmountsField
from blueprints.forms.base import PortalForm, is_plain_text
from portal.billing.coupon_catalogue import Draft


def is_finite(_form: Any, field: Field) -> None:
    """NaN and Infinity are decimals too."""
    if field.data is not None and not field.data.is_finite():
        raise ValidationError(_("Enter a number."))


def installation_currency() -> str:
    """What is meant by an amount without a currency."""
    return str(current_app.extensions["settings"].currency)


class CouponForm(PortalForm):
    """Amounts are in the installation's currency where none is named; days are whole days in UTC."""

    code = StringField(_("Code"), [Length(max=60), is_plain_text])
    name = StringField(_("Name on invoices"), [Length(max=60), is_plain_text])
    percent_off = DecimalField(_("Percent off"), [Optional(), is_finite], places=None)
    amounts_off = AmountsField(_("Amount off"), installation_currency)
    duration = SelectField(
        _("For"),
        choices=[
            SelectChoice("once", _("one invoice")),
            SelectChoice("repeating", _("some months")),
            SelectChoice("forever", _("every invoice")),
        ],
    )
    duration_in_months = IntegerField(_("Number of months"), [Optional()])
    max_redemptions = IntegerField(_("Redemptions in all"), [Optional()])
    max_per_tenant = IntegerField(_("Redemptions per organisation"), [Optional()])
    first_time_only = BooleanField(_("For a first purchase only"))
    minimum_amounts = AmountsField(_("Minimum price"), installation_currency)
    plan_ids = SelectMultipleField(_("Only for these plans"), validate_choice=False)
    valid_from = DateField(_("Valid from"), [Optional()])
    valid_until = DateField(_("Valid until, that day included"), [Optional()])
    automatic = BooleanField(_("Apply it without a code where it is the best offer"))

    def draft(self) -> Draft:
        """The coupon that was described."""
        return Draft(
            code=self.code.data or "",
            name=self.name.data or "",
            percent_off=self.percent_off.data,
            amounts_off=self.amounts_off.data or {},
            duration=self.duration.data,
            duration_in_months=self.duration_in_months.data,
            max_redemptions=self.max_redemptions.data,
            max_per_tenant=self.max_per_tenant.data,
            first_time_only=self.first_time_only.data,
            minimum_amounts=self.minimum_amounts.data or {},
            plan_ids=tuple(self.plan_ids.data or ()),
            valid_from=_midnight(self.valid_from.data),
            valid_until=_midnight(self.valid_until.data, days=1),
            automatic=self.automatic.data,
        )


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    if day is None:
        return None
    return datetime.fromordinal(min(day.toordinal() + days, date.max.toordinal())).replace(tzinfo=UTC)
