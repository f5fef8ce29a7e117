"""The tenant's billing details; what is wrong with them is the verb's to say."""

from dataclasses import asdict

from flask_babel import lazy_gettext as _
from wtforms import SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import Length

from blueprints.forms.account import format_choices, zone_choices
from blueprints.forms.base import PortalForm, is_plain_text
from portal import countries
from portal.billing.billing_details import LONGEST, MOST_COPIES, Details
from portal.i18n import LANGUAGE_NAMES, viewer

_TEXT = (Length(max=LONGEST), is_plain_text)
_CHOSEN = ("country", "language", "format_locale", "timezone")


class BillingDetailsForm(PortalForm):
    """The fields of :class:`portal.billing.billing_details.Details`; ``copies`` one address per line."""

    legal_name = StringField(_("Name on invoices"), _TEXT)
    line1 = StringField(_("Address"), _TEXT)
    line2 = StringField(_("Address, second line"), _TEXT)
    postal_code = StringField(_("Postal code"), _TEXT)
    city = StringField(_("City"), _TEXT)
    state = StringField(_("State or province"), _TEXT)
    country = SelectField(_("Country"))
    tax_id = StringField(_("Tax ID"), _TEXT)
    purchase_order = StringField(_("Purchase order"), _TEXT)
    electronic_address = StringField(_("Electronic address"), _TEXT)
    email = StringField(_("Billing e-mail"), _TEXT)
    copies = TextAreaField(_("Copies to"), [Length(max=(LONGEST + 2) * (MOST_COPIES + 1))])
    language = SelectField(_("Language"), choices=[SelectChoice(*item) for item in LANGUAGE_NAMES.items()])
    format_locale = SelectField(_("Numbers and dates"))
    timezone = SelectField(_("Time zone"))

    @classmethod
    def of(cls, details: Details) -> "BillingDetailsForm":
        """As they are now."""
        return cls(formdata=None, data={**asdict(details), "copies": "\n".join(details.copies)}).offering(details)

    def offering(self, held: Details) -> "BillingDetailsForm":
        """With what can be chosen in the reader's language, what is held always among it."""
        named = countries.choices(viewer().language)
        self.country.choices = [SelectChoice("", _("Choose a country")), *(SelectChoice(*each) for each in named)]
        self.format_locale.choices = format_choices(held.format_locale)
        self.timezone.choices = zone_choices()
        return self

    def details(self) -> Details:
        """What was entered."""
        names = [name for name in asdict(Details()) if name != "copies"]
        texts = {name: (self[name].data or "").strip() for name in names}
        return Details(**texts, copies=tuple((self.copies.data or "").split()))
