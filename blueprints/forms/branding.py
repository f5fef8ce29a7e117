"""The issuer's details and looks; what is wrong with them is the verb's to say."""

from flask_babel import lazy_gettext as _
from flask_wtf.file import FileField
from wtforms import BooleanField, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import Length

from blueprints.forms.base import PortalForm, is_plain_text
from portal.i18n import LANGUAGE_NAMES
from portal.invoicing.branding import LOGO_BYTES, LONGEST, LONGEST_LEGAL, Brand

_TEXT = (Length(max=LONGEST), is_plain_text)
_TEXTS = (
    "name",
    "line1",
    "line2",
    "postal_code",
    "city",
    "country",
    "tax_id",
    "electronic_address",
    "email",
    "accent",
    "footer",
)


class BrandingForm(PortalForm):
    """The fields of :class:`portal.invoicing.branding.Brand`; a legal text per language, as ``legal_<language>``."""

    name = StringField(_("Name of the issuer"), _TEXT)
    line1 = StringField(_("Address"), _TEXT)
    line2 = StringField(_("Address, second line"), _TEXT)
    postal_code = StringField(_("Postal code"), _TEXT)
    city = StringField(_("City"), _TEXT)
    country = StringField(_("Country"), _TEXT)
    tax_id = StringField(_("Tax ID"), _TEXT)
    electronic_address = StringField(_("Electronic address"), _TEXT)
    email = StringField(_("E-mail address"), _TEXT)
    accent = StringField(_("Accent colour"), _TEXT)
    footer = StringField(_("Footer"), _TEXT)
    logo = FileField(_("Logo"))
    remove_logo = BooleanField(_("Remove the logo"))
    preview_language = SelectField(
        _("Language of the preview"), choices=[SelectChoice(key, name) for key, name in LANGUAGE_NAMES.items()]
    )

    @classmethod
    def of(cls, brand: Brand) -> "BrandingForm":
        """As the branding is now."""
        legal = {f"legal_{language}": text for language, text in brand.legal.items()}
        return cls(formdata=None, data={**{name: getattr(brand, name) for name in _TEXTS}, **legal})

    def brand(self, before: Brand) -> Brand:
        """What was entered; the logo stays as it was where none was chosen."""
        logo = None if self.remove_logo.data else before.logo
        if self.logo.data and self.logo.data.filename:
            # One byte more than allowed, to be refused: the rest of a large file is of no interest.
            logo = self.logo.data.stream.read(LOGO_BYTES + 1)
        texts = {name: (self[name].data or "").strip() for name in _TEXTS}
        legal = {language: (self[f"legal_{language}"].data or "").strip() for language in LANGUAGE_NAMES}
        texts["accent"] = texts["accent"].lower()
        return Brand(**texts, legal={key: text for key, text in legal.items() if text}, logo=logo)


for _language, _name in LANGUAGE_NAMES.items():
    setattr(
        BrandingForm,
        f"legal_{_language}",
        TextAreaField(_("Legal text in %(language)s", language=_name), [Length(max=LONGEST_LEGAL)]),
    )
