"""The account page's forms."""

from zoneinfo import available_timezones

from babel import Locale
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from wtforms import Field, PasswordField, SelectChoice, SelectField
from wtforms.validators import DataRequired, EqualTo, Length

from blueprints.forms.base import PortalForm
from portal.i18n import LANGUAGE_NAMES
from portal.security.passwords import MAX_LENGTH

# Where the portal's languages are spoken, and where amounts look different.
FORMAT_LOCALES = (
    "en_US", "en_GB", "en_CA", "en_AU", "en_IN", "de_DE", "de_CH", "es", "es_ES", "es_AR", "es_CL", "es_CO", "es_MX",
    "es_PE", "fr_FR", "it_IT", "ja_JP", "nl_NL", "pt_BR", "pt_PT",
)  # fmt: skip


def format_choices(current: str) -> list[SelectChoice]:
    """The format locales in the reader's language and the order of their names, ``current`` always among them."""
    names = [*FORMAT_LOCALES, *([] if current in FORMAT_LOCALES else [current])]
    language = get_locale()
    labels = {name: Locale.parse(name).get_display_name(language) or name for name in names}
    ordered = sorted(labels, key=lambda name: labels[name].casefold())
    return [SelectChoice(name, labels[name]) for name in ordered]


def zone_choices() -> list[SelectChoice]:
    """All time zones by their IANA names."""
    return [SelectChoice(name) for name in sorted(available_timezones())]


class PreferencesForm(PortalForm):
    """How the person reads: texts, numbers and dates, clock, colours."""

    language = SelectField(_("Language"), choices=[SelectChoice(*item) for item in LANGUAGE_NAMES.items()])
    format_locale = SelectField(_("Numbers and dates"))
    timezone = SelectField(_("Time zone"), choices=zone_choices())
    theme = SelectField(
        _("Colours"),
        choices=[
            SelectChoice("auto", _("System")),
            SelectChoice("light", _("Light")),
            SelectChoice("dark", _("Dark")),
        ],
    )

    def offer_formats(self, current: str) -> None:
        """List the format locales in the reader's language, the one in use always among them."""
        self.format_locale.choices = format_choices(current)

    def options(self, field: Field) -> list[tuple[str, str]]:
        """A field's choices as the templates' ``ui.select`` takes them."""
        return [(choice.value, str(choice.label or choice.value)) for choice in field.choices]


class PasswordForm(PortalForm):
    current_password = PasswordField(
        _("Current password"), [DataRequired(_("Enter your current password.")), Length(max=MAX_LENGTH)]
    )
    new_password = PasswordField(_("New password"), [DataRequired(_("Enter a new password.")), Length(max=MAX_LENGTH)])
    repeated = PasswordField(
        _("New password again"), [EqualTo("new_password", _("The two passwords are not the same."))]
    )
