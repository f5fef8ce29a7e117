"""How taxes are decided: who works them out, a rate, an exemption."""

from decimal import Decimal

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, DecimalField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from blueprints.forms.base import PortalForm, is_plain_text
from portal import countries, tax_labels
from portal.billing.tax_settings import NewRate
from portal.i18n import viewer
from portal.pricing.taxation import Policy


class TaxModeForm(PortalForm):
    mode = SelectField(
        _("Taxes are worked out"), choices=[SelectChoice(mode, words) for mode, words in tax_labels.MODES.items()]
    )
    eu_rules = BooleanField(_("Between countries of the European Union: reverse charge for VAT numbers"))

    @classmethod
    def of(cls, policy: Policy) -> "TaxModeForm":
        return cls(formdata=None, data={"mode": policy.mode, "eu_rules": policy.eu_rules})


class TaxRateForm(PortalForm):
    """A new rate; a percentage is written with a point."""

    country = SelectField(_("Country"))
    customers = SelectField(_("For"), choices=[SelectChoice(key, words) for key, words in tax_labels.CUSTOMERS.items()])
    name = StringField(
        _("Name of the tax"), [InputRequired(_("Enter a name, such as VAT.")), Length(max=50), is_plain_text]
    )
    percentage = DecimalField(_("Percentage"), [InputRequired(_("Enter a percentage."))])
    inclusive = BooleanField(_("Prices include it"))

    def offering(self, home: str) -> "TaxRateForm":
        """With all countries in the reader's language, the issuer's chosen."""
        self.country.choices = [SelectChoice(*each) for each in countries.choices(viewer().language)]
        self.country.data = self.country.data or home
        return self

    def rate(self) -> NewRate:
        """What was entered."""
        return NewRate(
            country=self.country.data,
            customers=self.customers.data,
            name=self.name.data.strip(),
            percentage=Decimal(self.percentage.data),
            inclusive=self.inclusive.data,
        )


class ExemptionForm(PortalForm):
    reason = StringField(_("Reason"), [InputRequired(_("Enter a reason.")), Length(max=500), is_plain_text])
